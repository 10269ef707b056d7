/* Levels of the blocks of a drawn page: the same as `drawn` in gateway/document/raster/levels.py, bit for bit.
   What the constants mean is told there. */

#include <stdlib.h>
#include <string.h>

#include "fast.h"
#include "fax.h"
#include "fills.h"
#include "maps.h"

enum { BLOCKS = FAX_WIDTH / 8 };
enum { BIAS = 160, LINE = 215, REVERSED = 90, FLAT = 6, FAINT = 10 };

/* A map with a frame that is as wide as rules are looked for. */
enum { FRAME = 4, STRIDE = BLOCKS + 2 * FRAME };

static size_t framed_size(size_t rows)
{
    return (rows + 2 * FRAME) * STRIDE;
}

static void frame(uint8_t *map, size_t rows, uint8_t value)
{
    memset(map, value, FRAME * STRIDE);
    memset(map + (rows + FRAME) * STRIDE, value, FRAME * STRIDE);
    for (size_t y = FRAME; y < rows + FRAME; y++) {
        memset(map + y * STRIDE, value, FRAME);
        memset(map + y * STRIDE + FRAME + BLOCKS, value, FRAME);
    }
}

static void framed(const uint8_t *from, uint8_t *map, size_t rows, uint8_t value)
{
    frame(map, rows, value);
    for (size_t y = 0; y < rows; y++)
        memcpy(map + (y + FRAME) * STRIDE + FRAME, from + y * BLOCKS, BLOCKS);
}

FAST static void general(const uint8_t *low3, const uint8_t *high3, const uint8_t *low5, const uint8_t *high5,
                         const uint16_t *low25, const uint16_t *high25, uint8_t *paper, uint8_t *level, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint16_t contrast = (uint16_t)(high3[i] - low3[i]), line = (uint16_t)(high3[i] * LINE >> 8);
        uint16_t biased = (uint16_t)(low3[i] + (contrast * BIAS >> 8));
        uint16_t reversed = (uint16_t)(low3[i] + (contrast * REVERSED >> 8));
        uint16_t mean25 = (uint16_t)(low25[i] + high25[i]), middle25 = (uint16_t)((low5[i] + high5[i]) * 25);
        uint16_t on_paper = mean25 >= middle25 ? 0xffff : 0;
        uint16_t here = (uint16_t)((MOST(biased, line) & on_paper) | (reversed & ~on_paper));
        here = contrast < FLAT ? 0 : here;
        paper[i] = (uint8_t)on_paper;
        level[i] = (uint8_t)MOST(here, FAX_SOLID);
    }
}

/* Raise levels where rules run `along`: a step to the next block on the framed maps, as `across` is to the side. */
FAST static void rules(const uint8_t *rule, const uint8_t *high, uint8_t *one, uint8_t *two, uint8_t *three,
                       uint8_t *level, size_t rows, ptrdiff_t along, ptrdiff_t across)
{
    ptrdiff_t first = FRAME * STRIDE, end = first + (ptrdiff_t)rows * STRIDE;
    uint8_t *sides = one, *light = two, *marked = three, *starts = one;

    for (ptrdiff_t i = first; i < end; i++) {
        uint8_t side = MOST(rule[i - 2 * across], rule[i - across]);
        uint8_t other = MOST(rule[i + across], rule[i + 2 * across]);
        sides[i] = LEAST(side, other);
    }
    frame(sides, rows, 0);
    for (ptrdiff_t i = first; i < end; i++) {
        uint8_t most = MOST(sides[i - along], sides[i + along]);
        most = MOST(most, sides[i]);
        most = LEAST(most, high[i]);
        uint8_t faint = most > FAINT ? (uint8_t)(most - FAINT) : 0;
        light[i] = most;
        marked[i] = faint > rule[i] ? 0xff : 0;
    }
    frame(marked, rows, 0);
    for (ptrdiff_t i = first; i < end; i++) {
        const uint8_t *at = marked + i;
        starts[i] = at[0] & at[along] & at[2 * along] & at[3 * along] & at[4 * along];
    }
    frame(starts, rows, 0);
    for (ptrdiff_t i = first; i < end; i++) {
        const uint8_t *at = starts + i;
        uint8_t within = at[0] | at[-along] | at[-2 * along] | at[-3 * along] | at[-4 * along];
        uint8_t here = within & (uint8_t)((rule[i] >> 1) + (light[i] >> 1));
        level[i] = MOST(level[i], here);
    }
}

FAST static void keep_rules(const uint8_t *framed_rules, const uint8_t *paper, uint8_t *level, size_t rows)
{
    for (size_t y = 0; y < rows; y++)
        for (size_t x = 0; x < BLOCKS; x++) {
            uint8_t rule = framed_rules[(y + FRAME) * STRIDE + FRAME + x] & paper[y * BLOCKS + x];
            level[y * BLOCKS + x] = MOST(level[y * BLOCKS + x], rule);
        }
}

FAST static void keep_fills(const uint8_t *limit, const uint8_t *ink, uint8_t *level, size_t size)
{
    for (size_t i = 0; i < size; i++)
        level[i] = LEAST(level[i], limit[i]) | ink[i];
}

/* From what fax_survey found of `rows` rows of blocks; returns 0 if there is no memory. */
int fax_drawn(const uint8_t *low, const uint8_t *high, const uint8_t *across, const uint8_t *down, size_t rows,
              uint8_t *level)
{
    size_t size = rows * BLOCKS, large = framed_size(rows);
    uint16_t *sums = malloc(2 * size * sizeof *sums + 5 * size + 6 * large);

    if (sums == NULL)
        return 0;
    uint8_t *low3 = (uint8_t *)(sums + 2 * size), *high3 = low3 + size, *low5 = high3 + size, *high5 = low5 + size;
    uint8_t *paper = high5 + size, *maps[6];
    for (size_t i = 0; i < 6; i++)
        maps[i] = paper + size + i * large;

    fax_least(low, low3, rows, BLOCKS, 1);
    fax_most(high, high3, rows, BLOCKS, 1);
    fax_least(low3, low5, rows, BLOCKS, 1);
    fax_most(high3, high5, rows, BLOCKS, 1);
    fax_around(low, sums, rows, BLOCKS, 2);
    fax_around(high, sums + size, rows, BLOCKS, 2);
    general(low3, high3, low5, high5, sums, sums + size, paper, level, size);

    framed(high, maps[1], rows, 0);
    memset(maps[5], 0, large);
    framed(across, maps[0], rows, 255);
    rules(maps[0], maps[1], maps[2], maps[3], maps[4], maps[5], rows, 1, STRIDE);
    framed(down, maps[0], rows, 255);
    rules(maps[0], maps[1], maps[2], maps[3], maps[4], maps[5], rows, STRIDE, 1);
    keep_rules(maps[5], paper, level, rows);

    int found = fax_fills(low, high, low3, high3, rows, paper, low5);
    if (found > 0) {
        fax_least(paper, high5, rows, BLOCKS, 1);
        keep_fills(high5, low5, level, size);
    }
    free(sums);
    return found >= 0;
}
