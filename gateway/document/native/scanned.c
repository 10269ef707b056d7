/* Levels of the cells of scanned paper: the same as `scanned` in gateway/document/raster/levels.py, bit for bit.
   What the constants mean is told there. */

#include <stdlib.h>
#include <string.h>

#include "fast.h"
#include "fax.h"
#include "maps.h"

enum { STROKE = 3, DEEP = 110, DEEPEST = 80, QUIET = 10, FLAT = 8, SOLID = 140, COARSE = 8 };

/* How light the paper is around, for each square of COARSE by COARSE cells. */
FAST static void sheet(const uint8_t *mean, size_t rows, size_t columns, uint8_t *squares, uint8_t *spread, uint16_t *sum)
{
    size_t down = (rows + COARSE - 1) / COARSE, across = (columns + COARSE - 1) / COARSE;
    uint8_t most[FAX_COLUMNS + COARSE];

    for (size_t top = 0; top < rows; top += COARSE) {
        memset(most, 0, sizeof most);
        for (size_t y = top; y < rows && y < top + COARSE; y++)
            for (size_t x = 0; x < columns; x++)
                most[x] = MOST(most[x], mean[y * columns + x]);
        for (size_t x = 0; x < across; x++) {
            uint8_t *square = squares + top / COARSE * across + x;
            *square = 0;
            for (size_t i = 0; i < COARSE; i++)
                *square = MOST(*square, most[x * COARSE + i]);
        }
    }
    fax_most(squares, spread, down, across, 3);
    fax_around(spread, sum, down, across, 3);
    for (size_t i = 0; i < down * across; i++)
        squares[i] = (uint8_t)(sum[i] / 49);
}

/* Twice the depth of the quietest places. Counted in four parts, since the next one is mostly the same. */
static unsigned noise_of(const uint8_t *depth, size_t size)
{
    uint32_t count[4][256] = {{0}};
    size_t so_far = 0;
    unsigned quietest = 0;

    for (size_t i = 0; i < size; i++)
        count[i % 4][depth[i]]++;
    for (;; quietest++) {
        for (size_t part = 0; part < 4; part++)
            so_far += count[part][quietest];
        if (so_far * QUIET > size)
            return 2 * quietest;
    }
}

FAST static void depths(const uint8_t *dark, const uint16_t *sum, uint8_t *paper, uint8_t *depth, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        paper[i] = (uint8_t)(sum[i] / 9);
        depth[i] = (uint8_t)(paper[i] - LEAST(dark[i], paper[i]));
    }
}

FAST static void levels(const uint8_t *paper, const uint8_t *depth, unsigned noise, const uint8_t *squares, uint8_t *level,
                        size_t columns)
{
    uint16_t least = (uint16_t)LEAST(noise, 255), flat = (uint16_t)(noise + FLAT);
    uint8_t solids[FAX_COLUMNS + COARSE];

    for (size_t x = 0; x < columns; x += COARSE)
        memset(solids + x, squares[x / COARSE] * SOLID >> 8, COARSE);
    for (size_t x = 0; x < columns; x++) {
        uint16_t deep = (uint16_t)(depth[x] * DEEP >> 8), deepest = (uint16_t)(paper[x] * DEEPEST >> 8);
        uint16_t below = MOST(deep, least);
        uint16_t ink = (uint16_t)(paper[x] - LEAST(below, deepest));
        ink = depth[x] < flat ? 0 : ink;
        level[x] = (uint8_t)MOST(ink, solids[x]);
    }
}

/* Of `rows` by `columns` cells (see fax_quartered); returns 0 if there is no memory. */
int fax_scanned(const uint8_t *mean, const uint8_t *dark, size_t rows, size_t columns, uint8_t *level)
{
    size_t size = rows * columns, across = (columns + COARSE - 1) / COARSE;
    uint16_t *sum = malloc(size * (sizeof *sum + 4));

    if (sum == NULL)
        return 0;
    uint8_t *one = (uint8_t *)(sum + size), *two = one + size, *squares = two + size, *spread = squares + size;
    sheet(mean, rows, columns, squares, spread, sum);
    fax_most(mean, one, rows, columns, STROKE);
    fax_least(one, two, rows, columns, STROKE);
    fax_around(two, sum, rows, columns, 1);
    fax_least(dark, one, rows, columns, 2);
    depths(one, sum, two, spread, size);
    unsigned noise = noise_of(spread, size);
    for (size_t y = 0; y < rows; y++)
        levels(two + y * columns, spread + y * columns, noise, squares + y / COARSE * across, level + y * columns, columns);
    free(sum);
    return 1;
}
