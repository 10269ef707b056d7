/* What is done to every pixel of a fax page: the same as gateway/document/raster/pixels.py, bit for bit.

   Grey is 8 bit, 0 black; pages are 1728 pixels wide and have at least one row. Packed rows are 216 bytes, most
   significant bit first, 1 for black. The caller owns all memory and has checked its sizes; nothing is
   allocated here, and where is read and written does not depend on what the pixels say. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "fast.h"
#include "fax.h"

enum { WIDTH = FAX_WIDTH, ROW = FAX_ROW, BLOCKS = WIDTH / 8 };

/* Of each 8 pixels of a row. By words of 2, 4 and 8 pixels, since a step of one byte is not vectorised. */
#define REDUCE(row, pick, out)                                                                              \
    do {                                                                                                    \
        uint16_t pairs[WIDTH / 2];                                                                          \
        memcpy(pairs, row, WIDTH);                                                                          \
        for (size_t x = 0; x < WIDTH / 2; x++) {                                                            \
            uint16_t one = pairs[x] & 0xff, two = pairs[x] >> 8;                                            \
            pairs[x] = pick(one, two);                                                                      \
        }                                                                                                   \
        uint32_t fours[WIDTH / 4];                                                                          \
        memcpy(fours, pairs, WIDTH);                                                                        \
        for (size_t x = 0; x < WIDTH / 4; x++) {                                                            \
            uint32_t one = fours[x] & 0xff, two = fours[x] >> 16;                                           \
            fours[x] = pick(one, two);                                                                      \
        }                                                                                                   \
        for (size_t x = 0; x < BLOCKS; x++)                                                                 \
            out[x] = (uint8_t)pick(fours[2 * x], fours[2 * x + 1]);                                         \
    } while (0)

/* For each block of 8 by `tall` pixels: the darkest and the lightest pixel, the lightest of the columns' darkest
   pixels, and the lightest of the darkest pixels of two of its rows. The last row of blocks may be cut. */
FAST void fax_survey(const uint8_t *grey, size_t rows, size_t tall, uint8_t *low, uint8_t *high, uint8_t *across,
                     uint8_t *down)
{
    uint8_t dark[WIDTH], light[WIDTH], first[BLOCKS], second[BLOCKS];

    for (size_t top = 0; top < rows; top += tall) {
        size_t here = LEAST(tall, rows - top);
        REDUCE(grey + LEAST(tall / 4, here - 1) * WIDTH, LEAST, first);
        REDUCE(grey + LEAST(tall / 4 * 3, here - 1) * WIDTH, LEAST, second);
        memcpy(dark, grey, WIDTH);
        memcpy(light, grey, WIDTH);
        grey += WIDTH;
        for (size_t y = 1; y < here; y++, grey += WIDTH)
            for (size_t x = 0; x < WIDTH; x++) {
                dark[x] = LEAST(grey[x], dark[x]);
                light[x] = MOST(grey[x], light[x]);
            }
        REDUCE(dark, LEAST, low);
        REDUCE(light, MOST, high);
        REDUCE(dark, MOST, across);
        for (size_t x = 0; x < BLOCKS; x++)
            down[x] = MOST(first[x], second[x]);
        low += BLOCKS, high += BLOCKS, across += BLOCKS, down += BLOCKS;
    }
}

/* Rounded means of pairs of pixels of a row, or of two by two of two rows if there is a second one. */
static inline void means(const uint8_t *one, const uint8_t *two, uint16_t *half)
{
    if (two)
        for (size_t x = 0; x < WIDTH / 2; x++)
            half[x] = (uint16_t)((one[2 * x] + one[2 * x + 1] + two[2 * x] + two[2 * x + 1] + 2) >> 2);
    else
        for (size_t x = 0; x < WIDTH / 2; x++)
            half[x] = (uint16_t)((one[2 * x] + one[2 * x + 1] + 1) >> 1);
}

/* For cells of 4 pixels by 2 * `down` (1 or 2) rows: the mean of their quarters' means, and the darkest of these.
   What is below the last row repeats it. */
FAST void fax_quartered(const uint8_t *grey, size_t rows, size_t down, uint8_t *mean, uint8_t *dark)
{
    uint16_t upper[WIDTH / 2], lower[WIDTH / 2];

    for (size_t top = 0; top < rows; top += 2 * down) {
        const uint8_t *row[4];
        for (size_t y = 0; y < 4; y++)
            row[y] = grey + (top + y < rows ? top + y : rows - 1) * WIDTH;
        means(row[0], down == 2 ? row[1] : NULL, upper);
        if (top + down < rows)
            means(row[down], down == 2 ? row[3] : NULL, lower);
        else
            memcpy(lower, upper, sizeof lower);
        for (size_t x = 0; x < WIDTH / 4; x++) {
            uint16_t a = upper[2 * x], b = upper[2 * x + 1], c = lower[2 * x], d = lower[2 * x + 1];
            *mean++ = (uint8_t)((a + b + c + d + 2) >> 2);
            a = LEAST(a, b);
            c = LEAST(c, d);
            *dark++ = (uint8_t)LEAST(a, c);
        }
    }
}

/* Eight bytes of 0 or 1 as the bits of one, the first byte as the highest bit. */
static inline uint8_t packed(const uint8_t *bits)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t eight;
    memcpy(&eight, bits, 8);
    /* Each product of two ones has a place of its own, so nothing carries into the highest byte. */
    return (uint8_t)((eight * 0x8040201008040201u) >> 56);
#else
    uint8_t byte = 0;
    for (int i = 0; i < 8; i++)
        byte = (uint8_t)(byte << 1 | bits[i]);
    return byte;
#endif
}

/* Black where darker than the level of the cell of `wide` (4 or 8) by `tall` pixels. */
FAST void fax_threshold(const uint8_t *grey, size_t rows, const uint8_t *level, size_t wide, size_t tall, uint8_t *out)
{
    uint8_t across[WIDTH + 8], black[WIDTH];

    for (size_t y = 0; y < rows; y++, grey += WIDTH, out += ROW) {
        if (y % tall == 0) {
            for (size_t x = 0; x < WIDTH / wide; x++)
                memset(across + x * wide, level[x], 8); /* what is too much is written over */
            level += WIDTH / wide;
        }
        for (size_t x = 0; x < WIDTH; x++)
            black[x] = grey[x] < across[x];
        for (size_t x = 0; x < ROW; x++)
            out[x] = packed(black + 8 * x);
    }
}

/* Black where darker than the level in a tile of 8 by `tall` laid over the page; only inside the box. */
FAST void fax_screen(const uint8_t *grey, uint8_t *out, size_t left, size_t top, size_t right, size_t bottom,
                     const uint8_t *tile, size_t tall)
{
    uint8_t across[WIDTH], black[WIDTH];
    size_t first = left / 8, last = (right + 7) / 8;

    for (size_t y = top; y < bottom; y++) {
        for (size_t x = 0; x < WIDTH; x += 8)
            memcpy(across + x, tile + y % tall * 8, 8);
        for (size_t x = 8 * first; x < 8 * last; x++)
            black[x] = grey[y * WIDTH + x] < across[x];
        for (size_t x = first; x < last; x++) {
            uint8_t keep = 0;
            if (x == first)
                keep |= (uint8_t)~(0xff >> left % 8);
            if (x == right / 8)
                keep |= (uint8_t)(0xff >> right % 8);
            uint8_t *byte = out + y * ROW + x;
            *byte = (uint8_t)((*byte & keep) | (packed(black + 8 * x) & ~keep));
        }
    }
}
