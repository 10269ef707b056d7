/* Resampling of grey pictures: the same as `resized` in gateway/document/raster/resize.py, bit for bit. */

#include <stdlib.h>
#include <string.h>

#include "fast.h"
#include "fax.h"

/* Weights of a pixel are positive and add up to all there is, give or take one for each, so no sum overflows. */
enum { PRECISION = 22, HALF = 1 << (PRECISION - 1) };
/* So much is added up at a time, in registers. */
enum { BATCH = 64 };

/* BATCH pixels, or fewer, of what `taps` rows of `columns` from `from` on add up to. */
static inline void add_some(const uint8_t *from, size_t columns, const int32_t *weight, size_t taps, size_t some, uint8_t *to)
{
    uint32_t sum[BATCH];

    for (size_t x = 0; x < some; x++)
        sum[x] = HALF;
    for (size_t tap = 0; tap < taps; tap++, from += columns)
        for (size_t x = 0; x < some; x++)
            sum[x] += from[x] * (uint32_t)weight[tap];
    for (size_t x = 0; x < some; x++)
        to[x] = (uint8_t)(sum[x] >> PRECISION);
}

/* A whole row of it. */
FAST static void add_rows(const uint8_t *from, size_t columns, const int32_t *weight, size_t taps, uint8_t *to)
{
    size_t x = 0;

    for (; x + BATCH <= columns; x += BATCH)
        add_some(from + x, columns, weight, taps, BATCH, to + x);
    add_some(from + x, columns, weight, taps, columns - x, to + x);
}

/* Rows made of changing places of their own, BATCH of them at a time: `from` has their first pixels, then their
   second ones, and so on. */
FAST static void add_columns(const uint8_t *from, const int32_t *first, const int32_t *weight, size_t taps, size_t wide, uint8_t *to)
{
    for (size_t x = 0; x < wide; x++, weight += taps, to += BATCH)
        add_some(from + (size_t)first[x] * BATCH, BATCH, weight, taps, BATCH, to);
}

/* 8 by 8 pixels change places: rows that are `stride` apart become rows that are `apart`. Words and their halves,
   pairs and bytes are exchanged across the diagonal, which one pixel after the other takes four times as long. */
static inline void turn(const uint8_t *from, size_t stride, uint8_t *to, size_t apart)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    static const uint64_t masks[] = {0x00000000FFFFFFFF, 0x0000FFFF0000FFFF, 0x00FF00FF00FF00FF};
    uint64_t row[8];

    for (size_t y = 0; y < 8; y++)
        memcpy(&row[y], from + y * stride, 8);
    for (size_t step = 0, half = 4; half > 0; step++, half /= 2)
        for (size_t y = 0; y < 8; y++)
            if (!(y & half)) {
                uint64_t other = ((row[y] >> (8 * half)) ^ row[y + half]) & masks[step];
                row[y + half] ^= other;
                row[y] ^= other << (8 * half);
            }
    for (size_t y = 0; y < 8; y++)
        memcpy(to + y * apart, &row[y], 8);
#else
    for (size_t y = 0; y < 8; y++)
        for (size_t x = 0; x < 8; x++)
            to[x * apart + y] = from[y * stride + x];
#endif
}

/* BATCH rows become columns, or the other way round. */
FAST static void gather(const uint8_t *rows, size_t columns, uint8_t *to)
{
    size_t x = 0;

    for (; x + 8 <= columns; x += 8)
        for (size_t y = 0; y < BATCH; y += 8)
            turn(rows + y * columns + x, columns, to + x * BATCH + y, BATCH);
    for (; x < columns; x++)
        for (size_t y = 0; y < BATCH; y++)
            to[x * BATCH + y] = rows[y * columns + x];
}

FAST static void scatter(const uint8_t *from, size_t rows, size_t columns, uint8_t *to)
{
    size_t x = 0;

    for (; x + 8 <= columns; x += 8) {
        size_t y = 0;
        for (; y + 8 <= rows; y += 8)
            turn(from + x * BATCH + y, BATCH, to + y * columns + x, columns);
        for (; y < rows; y++)
            for (size_t i = x; i < x + 8; i++)
                to[y * columns + i] = from[i * BATCH + y];
    }
    for (; x < columns; x++)
        for (size_t y = 0; y < rows; y++)
            to[y * columns + x] = from[x * BATCH + y];
}

/* `rows` by `columns` become `high` by `wide`. `top` and `left` tell the first row and column that each is made
   of; there are `taps` weights for each, which may reach beyond the end. Returns 0 if there is no memory. */
int fax_resize(const uint8_t *grey, size_t rows, size_t columns, uint8_t *to, size_t high, size_t wide, const int32_t *top,
               const int32_t *down, size_t taps_down, const int32_t *left, const int32_t *across, size_t taps_across)
{
    uint8_t *batch = calloc(columns, BATCH), *columnar = calloc(columns + taps_across, BATCH), *made = malloc(wide * BATCH);
    int done = batch != NULL && columnar != NULL && made != NULL;

    for (size_t y = 0; done && y < high; y += BATCH) {
        size_t here = LEAST(BATCH, high - y);
        for (size_t i = 0; i < here; i++) {
            size_t first = (size_t)top[y + i], taps = LEAST(taps_down, rows - first);
            add_rows(grey + first * columns, columns, down + (y + i) * taps_down, taps, batch + i * columns);
        }
        gather(batch, columns, columnar);
        add_columns(columnar, left, across, taps_across, wide, made);
        scatter(made, here, wide, to + y * wide);
    }
    free(batch);
    free(columnar);
    free(made);
    return done;
}
