/* Small operations on maps: see maps.h. Columns come first, a row at a time, then the row itself. */

#include <string.h>

#include "fast.h"
#include "maps.h"

#define SPREAD(pick, neutral)                                                                               \
    uint8_t padded[FAX_COLUMNS + 2 * FAX_REACH], *row = padded + FAX_REACH;                                 \
    memset(padded, neutral, sizeof padded);                                                                 \
    for (size_t y = 0; y < rows; y++, to += columns) {                                                      \
        size_t first = y > reach ? y - reach : 0, last = LEAST(y + reach, rows - 1);                        \
        memcpy(row, from + first * columns, columns);                                                       \
        for (size_t other = first + 1; other <= last; other++)                                              \
            for (size_t x = 0; x < columns; x++)                                                            \
                row[x] = pick(row[x], from[other * columns + x]);                                           \
        memcpy(to, row - reach, columns);                                                                   \
        for (size_t step = 1; step <= 2 * reach; step++)                                                    \
            for (size_t x = 0; x < columns; x++)                                                            \
                to[x] = pick(to[x], row[x + step - reach]);                                                 \
    }

FAST void fax_least(const uint8_t *from, uint8_t *restrict to, size_t rows, size_t columns, size_t reach)
{
    SPREAD(LEAST, 255)
}

FAST void fax_most(const uint8_t *from, uint8_t *restrict to, size_t rows, size_t columns, size_t reach)
{
    SPREAD(MOST, 0)
}

FAST void fax_around(const uint8_t *from, uint16_t *restrict to, size_t rows, size_t columns, size_t reach)
{
    uint16_t padded[FAX_COLUMNS + 2 * FAX_REACH], *row = padded + FAX_REACH;

    for (size_t y = 0; y < rows; y++, to += columns) {
        memset(padded, 0, sizeof padded);
        for (size_t step = 0; step <= 2 * reach; step++) {
            size_t other = y + step > reach ? y + step - reach : 0;
            const uint8_t *here = from + LEAST(other, rows - 1) * columns;
            for (size_t x = 0; x < columns; x++)
                row[x] = (uint16_t)(row[x] + here[x]);
        }
        for (size_t step = 0; step < reach; step++) {
            padded[FAX_REACH - 1 - step] = row[0];
            row[columns + step] = row[columns - 1];
        }
        memcpy(to, row - reach, columns * sizeof *to);
        for (size_t step = 1; step <= 2 * reach; step++)
            for (size_t x = 0; x < columns; x++)
                to[x] = (uint16_t)(to[x] + row[x + step - reach]);
    }
}
