/* T.6 (Group 4) coding of packed fax rows, byte for byte what libtiff writes. Source: ITU-T T.6 2.2; codes of
   runs: T.4 tables 2 and 3.

   A row is first turned into the places where its colour changes (even ones: to black), by 64 pixels at a
   time, since most of a page is white; the coding then goes from change to change. */

#include <string.h>

#include "fax.h"

enum { WIDTH = FAX_WIDTH, ROW = FAX_ROW };

/* Worst case of a row: a vertical code takes at most 7 bits and goes on by a pixel; a horizontal one 3 bits and
   two runs, of which one white pixel is the most expensive with 6 bits; codes of no pixels and of the row's
   end add less than 40 bits once. 8 bits a pixel are more than all of that. */
enum { MOST_A_ROW = WIDTH + 16, END = 16 };

typedef struct {
    uint16_t code;
    uint8_t length;
} Code;

/* By length of the run: 0 to 63, then multiples of 64 up to 1728. */
static const Code WHITE[64 + 27] = {
    {0x35, 8}, {0x07, 6}, {0x07, 4}, {0x08, 4}, {0x0b, 4}, {0x0c, 4}, {0x0e, 4}, {0x0f, 4},
    {0x13, 5}, {0x14, 5}, {0x07, 5}, {0x08, 5}, {0x08, 6}, {0x03, 6}, {0x34, 6}, {0x35, 6},
    {0x2a, 6}, {0x2b, 6}, {0x27, 7}, {0x0c, 7}, {0x08, 7}, {0x17, 7}, {0x03, 7}, {0x04, 7},
    {0x28, 7}, {0x2b, 7}, {0x13, 7}, {0x24, 7}, {0x18, 7}, {0x02, 8}, {0x03, 8}, {0x1a, 8},
    {0x1b, 8}, {0x12, 8}, {0x13, 8}, {0x14, 8}, {0x15, 8}, {0x16, 8}, {0x17, 8}, {0x28, 8},
    {0x29, 8}, {0x2a, 8}, {0x2b, 8}, {0x2c, 8}, {0x2d, 8}, {0x04, 8}, {0x05, 8}, {0x0a, 8},
    {0x0b, 8}, {0x52, 8}, {0x53, 8}, {0x54, 8}, {0x55, 8}, {0x24, 8}, {0x25, 8}, {0x58, 8},
    {0x59, 8}, {0x5a, 8}, {0x5b, 8}, {0x4a, 8}, {0x4b, 8}, {0x32, 8}, {0x33, 8}, {0x34, 8},
    {0x1b, 5}, {0x12, 5}, {0x17, 6}, {0x37, 7}, {0x36, 8}, {0x37, 8}, {0x64, 8}, {0x65, 8},
    {0x68, 8}, {0x67, 8}, {0xcc, 9}, {0xcd, 9}, {0xd2, 9}, {0xd3, 9}, {0xd4, 9}, {0xd5, 9},
    {0xd6, 9}, {0xd7, 9}, {0xd8, 9}, {0xd9, 9}, {0xda, 9}, {0xdb, 9}, {0x98, 9}, {0x99, 9},
    {0x9a, 9}, {0x18, 6}, {0x9b, 9},
};
static const Code BLACK[64 + 27] = {
    {0x37, 10}, {0x02, 3}, {0x03, 2}, {0x02, 2}, {0x03, 3}, {0x03, 4}, {0x02, 4}, {0x03, 5},
    {0x05, 6}, {0x04, 6}, {0x04, 7}, {0x05, 7}, {0x07, 7}, {0x04, 8}, {0x07, 8}, {0x18, 9},
    {0x17, 10}, {0x18, 10}, {0x08, 10}, {0x67, 11}, {0x68, 11}, {0x6c, 11}, {0x37, 11}, {0x28, 11},
    {0x17, 11}, {0x18, 11}, {0xca, 12}, {0xcb, 12}, {0xcc, 12}, {0xcd, 12}, {0x68, 12}, {0x69, 12},
    {0x6a, 12}, {0x6b, 12}, {0xd2, 12}, {0xd3, 12}, {0xd4, 12}, {0xd5, 12}, {0xd6, 12}, {0xd7, 12},
    {0x6c, 12}, {0x6d, 12}, {0xda, 12}, {0xdb, 12}, {0x54, 12}, {0x55, 12}, {0x56, 12}, {0x57, 12},
    {0x64, 12}, {0x65, 12}, {0x52, 12}, {0x53, 12}, {0x24, 12}, {0x37, 12}, {0x38, 12}, {0x27, 12},
    {0x28, 12}, {0x58, 12}, {0x59, 12}, {0x2b, 12}, {0x2c, 12}, {0x5a, 12}, {0x66, 12}, {0x67, 12},
    {0x0f, 10}, {0xc8, 12}, {0xc9, 12}, {0x5b, 12}, {0x33, 12}, {0x34, 12}, {0x35, 12}, {0x6c, 13},
    {0x6d, 13}, {0x4a, 13}, {0x4b, 13}, {0x4c, 13}, {0x4d, 13}, {0x72, 13}, {0x73, 13}, {0x74, 13},
    {0x75, 13}, {0x76, 13}, {0x77, 13}, {0x52, 13}, {0x53, 13}, {0x54, 13}, {0x55, 13}, {0x5a, 13},
    {0x5b, 13}, {0x64, 13}, {0x65, 13},
};
static const Code PASS = {0x1, 4}, HORIZONTAL = {0x1, 3}, END_OF_LINE = {0x1, 12};
/* By how far the change lies to the right of the one above it, from -3 to 3. */
static const Code VERTICAL[7] = {{0x2, 7}, {0x2, 6}, {0x2, 3}, {0x1, 1}, {0x3, 3}, {0x3, 6}, {0x3, 7}};

typedef struct {
    uint64_t bits; /* the lowest `count` are waiting */
    unsigned count;
    uint8_t *out;
} Writer;

static inline void put(Writer *to, Code code)
{
    to->bits = to->bits << code.length | code.code;
    to->count += code.length;
    if (to->count >= 32) {
        uint32_t word = (uint32_t)(to->bits >> (to->count - 32));
        to->out[0] = (uint8_t)(word >> 24);
        to->out[1] = (uint8_t)(word >> 16);
        to->out[2] = (uint8_t)(word >> 8);
        to->out[3] = (uint8_t)word;
        to->out += 4;
        to->count -= 32;
    }
}

static inline void put_run(Writer *to, const Code *codes, unsigned length)
{
    if (length >= 64)
        put(to, codes[63 + length / 64]);
    put(to, codes[length % 64]);
}

/* Where the colour changes, then WIDTH as often as the coder may look ahead. At most WIDTH + 4 entries. */
static void find_changes(const uint8_t *row, uint16_t *changes)
{
    uint64_t before = 0; /* the pixel to the left, as the highest bit */

    for (unsigned base = 0; base < WIDTH; base += 64, row += 8) {
        uint64_t word = 0;
        for (int i = 0; i < 8; i++)
            word = word << 8 | row[i];
        uint64_t change = word ^ (word >> 1 | before);
        before = word << 63;
        while (change) {
            unsigned at = (unsigned)__builtin_clzll(change);
            *changes++ = (uint16_t)(base + at);
            change &= ~(UINT64_C(1) << 63 >> at);
        }
    }
    for (int i = 0; i < 4; i++)
        *changes++ = WIDTH;
}

static void code_row(Writer *to, const uint16_t *row, const uint16_t *above)
{
    unsigned here = 0, black = 0; /* a0 and its colour */
    size_t b = 0;                 /* of b1 in `above`: odd if the colour here is black */
    int start = 1;                /* before the first pixel, when a change at 0 is still ahead */

    while (here < WIDTH) {
        unsigned next = *row; /* a1 */
        while (above[b] <= here && above[b] < WIDTH && !start)
            b += 2;
        start = 0;
        if (above[b + 1] < next) {
            put(to, PASS);
            here = above[b + 1];
            continue;
        }
        int right = (int)next - (int)above[b];
        if (right >= -3 && right <= 3) {
            put(to, VERTICAL[right + 3]);
            here = next;
            row++;
            black ^= 1;
            b = b > 0 ? b - 1 : 1; /* earlier ones lie to the left of here */
        } else {
            unsigned after = next < WIDTH ? row[1] : WIDTH; /* a2 */
            put(to, HORIZONTAL);
            put_run(to, black ? BLACK : WHITE, next - here);
            put_run(to, black ? WHITE : BLACK, after - next);
            here = after;
            row += 2;
        }
    }
}

uint32_t fax_abi(void)
{
    return FAX_ABI;
}

/* Bytes that the code of so many rows may take. */
size_t fax_g4_room(size_t rows)
{
    return rows * MOST_A_ROW + END;
}

/* Code a page; returns the length, or 0 if there is not room for the worst case. */
size_t fax_g4(const uint8_t *page, size_t rows, uint8_t *out, size_t room)
{
    uint16_t changes[2][WIDTH + 4];
    uint16_t *row = changes[0], *above = changes[1];
    Writer to = {0, 0, out};

    if (room < fax_g4_room(rows))
        return 0;
    for (int i = 0; i < 4; i++)
        above[i] = WIDTH; /* the line before the first is white */
    for (size_t y = 0; y < rows; y++, page += ROW) {
        find_changes(page, row);
        code_row(&to, row, above);
        uint16_t *swap = above;
        above = row;
        row = swap;
    }
    put(&to, END_OF_LINE);
    put(&to, END_OF_LINE);
    for (; to.count > 0; to.count = to.count > 8 ? to.count - 8 : 0)
        *to.out++ = (uint8_t)(to.count >= 8 ? to.bits >> (to.count - 8) : to.bits << (8 - to.count));
    return (size_t)(to.out - out);
}
