/* T.4 and T.6 coding read for the sake of knowing whether it can be: rows are counted, no pixel is made. What is
   here stands in gateway/document/formats/ccitt.py once more, with the reasons, and with the tables. */

#include "fax.h"

enum { MAKEUP = 64, PASS = 1, HORIZONTAL = 2, STRAIGHT = 6, SPARE = 4 };

typedef struct {
    const uint8_t *data;
    uint64_t at, size; /* bits */
    const uint16_t *runs[2];
    const uint8_t *modes;
} Reader;

/* The next bits, at most 16; zeros beyond the end. */
static inline unsigned peek(const Reader *from, unsigned bits)
{
    uint64_t byte = from->at / 8, size = from->size / 8;
    uint32_t word = 0;

    for (uint64_t i = byte; i < byte + 3; i++)
        word = word << 8 | (i < size ? from->data[i] : 0u);
    return (word >> (24 - from->at % 8 - bits)) & ((1u << bits) - 1);
}

static int64_t run(Reader *from, int black)
{
    int64_t length = 0;

    for (;;) {
        unsigned entry = from->runs[black][peek(from, 13)];
        if (!entry)
            return -1;
        from->at += entry & 15;
        length += entry >> 4;
        if (entry >> 4 < MAKEUP)
            return length;
    }
}

static int end_row(int32_t *row, int64_t count, int32_t columns)
{
    for (int i = 0; i < SPARE; i++)
        row[count + i] = columns;
    return 1;
}

static int one_way(Reader *from, int32_t *row, int32_t columns)
{
    int64_t here = 0, count = 0;

    while (here < columns) {
        int64_t length = run(from, count & 1);
        here += length;
        if (length < 0 || here > columns || count > columns)
            return 0;
        row[count++] = (int32_t)here;
    }
    return end_row(row, count, columns);
}

static int two_ways(Reader *from, const int32_t *above, int32_t *row, int32_t columns)
{
    int64_t here = 0, count = 0, b = 0;
    int start = 1;

    while (here < columns) {
        unsigned entry = from->modes[peek(from, 7)], mode = entry >> 3;
        if (!entry || count > columns)
            return 0;
        from->at += entry & 7;
        while (!start && above[b] <= here && above[b] < columns)
            b += 2;
        start = 0;
        if (mode == PASS) {
            here = above[b + 1];
        } else if (mode == HORIZONTAL) {
            for (int i = 0; i < 2; i++) {
                int64_t length = run(from, count & 1);
                here += length;
                if (length < 0 || here > columns)
                    return 0;
                row[count++] = (int32_t)here;
            }
        } else {
            int64_t next = (int64_t)above[b] + (int64_t)mode - STRAIGHT;
            if (next < here || next > columns)
                return 0;
            here = next;
            row[count++] = (int32_t)here;
            b = b > 0 ? b - 1 : 1;
        }
    }
    return end_row(row, count, columns);
}

/* Goes to behind the next end of line; 0 where there is none. */
static int end_of_line(Reader *from)
{
    while (from->at < from->size && !peek(from, 1))
        from->at++;
    if (from->at >= from->size)
        return 0;
    from->at++;
    return 1;
}

/* `scratch` has room for twice `columns` + 8; `found`: rows, bad ones of them, whether it ended, bits. */
void fax_ccitt(const uint8_t *data, size_t size, size_t columns, size_t rows, int k, int align,
               const uint16_t *white, const uint16_t *black, const uint8_t *modes, int32_t *scratch, int64_t *found)
{
    Reader from = {data, 0, (uint64_t)size * 8, {white, black}, modes};
    int32_t wide = (int32_t)columns, *above = scratch, *row = scratch + columns + 8;
    int64_t read = 0, bad = 0, ended = 0;

    end_row(above, 0, wide);
    while (read < (int64_t)rows && from.at < from.size) {
        int flat = k == 0, ends = 0;
        if (align)
            from.at = (from.at + 7) / 8 * 8;
        if (k < 0) {
            ended = peek(&from, 12) == 1;
        } else {
            while (from.at < from.size && peek(&from, 11) == 0 && end_of_line(&from)) {
                ends++;
                if (k > 0)
                    flat = (int)peek(&from, 1), from.at++;
            }
            if (k > 0 && !ends)
                flat = (int)peek(&from, 1), from.at++;
            ended = ends > 1 && read;
        }
        if (ended || from.at >= from.size)
            break;
        int good = flat ? one_way(&from, row, wide) : two_ways(&from, above, row, wide);
        good = good && from.at <= from.size;
        read++;
        if (good) {
            int32_t *swap = above;
            above = row;
            row = swap;
            continue;
        }
        bad++;
        if (k < 0)
            break;
        while (from.at < from.size && peek(&from, 11) != 0)
            from.at++;
    }
    found[0] = read;
    found[1] = bad;
    found[2] = ended;
    found[3] = (int64_t)(from.at < from.size ? from.at : from.size);
}
