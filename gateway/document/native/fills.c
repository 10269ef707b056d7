/* Even grey areas: which become paper, and which ink. The same as gateway/document/raster/fills.py, bit for bit,
   where the constants and the reasons are told. */

#include <stdlib.h>
#include <string.h>

#include "fast.h"
#include "fax.h"
#include "fills.h"
#include "maps.h"

enum { BLOCKS = FAX_WIDTH / 8 };
enum { PALE = 225, MIDDLE = 170, LIGHTEST = 250, EVEN = 6, DISTINCT = 40, THICK = 4, LONG = 40 };

/* An area, kept at the first of its runs: what has been counted of its blocks. */
typedef struct {
    uint32_t blocks, grey, dark, light;
    uint32_t top, bottom, left, right;
    uint32_t thick, ink;
} Area;

static int apart(uint8_t one, uint8_t other)
{
    return abs((int)one - (int)other) > EVEN;
}

/* Which blocks are even greys (255, else 0), and their flatness (the grey of flat ones, else 0). Returns whether
   any is. */
FAST static int find_even(const uint8_t *low, const uint8_t *high, size_t size, uint8_t *even, uint8_t *flat)
{
    uint8_t any = 0;

    for (size_t i = 0; i < size; i++) {
        uint8_t is_flat = high[i] - low[i] <= EVEN ? 0xff : 0;
        uint8_t is_grey = (low[i] >= FAX_SOLID ? 0xff : 0) & (high[i] <= LIGHTEST ? 0xff : 0);
        flat[i] = low[i] & is_flat;
        even[i] = is_flat & is_grey;
        any |= even[i];
    }
    return any != 0;
}

static uint32_t first_of(uint32_t *joined, uint32_t run)
{
    while (joined[run] != run)
        run = joined[run] = joined[joined[run]];
    return run;
}

/* Number the runs of even blocks of each row, and join those that touch one of the row above where the grey goes
   on; `joined` becomes the first run of each run's area. Returns how many runs there are. */
static uint32_t find_areas(const uint8_t *even, const uint8_t *low, size_t rows, uint32_t *run, uint32_t *joined)
{
    uint32_t runs = 0;

    for (size_t i = 0; i < rows * BLOCKS; i++) {
        if (!even[i])
            continue;
        int follows = i % BLOCKS != 0 && even[i - 1] && !apart(low[i], low[i - 1]);
        if (!follows) {
            joined[runs] = runs;
            runs++;
        }
        run[i] = runs - 1;
        if (i < BLOCKS || !even[i - BLOCKS] || apart(low[i], low[i - BLOCKS]))
            continue;
        if (follows && i > BLOCKS && even[i - BLOCKS - 1] && run[i - BLOCKS - 1] == run[i - BLOCKS] && !apart(low[i - 1], low[i - BLOCKS - 1]))
            continue; /* the block to the left has joined the same two runs */
        uint32_t one = first_of(joined, run[i]), other = first_of(joined, run[i - BLOCKS]);
        joined[MOST(one, other)] = LEAST(one, other);
    }
    for (uint32_t at = 0; at < runs; at++)
        joined[at] = joined[joined[at]]; /* runs are joined to earlier ones only */
    return runs;
}

static int is_ink(const Area *area)
{
    int small = area->bottom - area->top < LONG && area->right - area->left < LONG;
    int middle = area->grey < MIDDLE * area->blocks;

    if (area->grey >= PALE * area->blocks)
        return 0;
    if (small && !area->thick && area->dark == 0)
        return 1;
    return middle ? area->dark <= area->light : area->light > area->dark;
}

int fax_fills(const uint8_t *low, const uint8_t *high, const uint8_t *low3, const uint8_t *high3, size_t rows,
              uint8_t *limit, uint8_t *ink)
{
    size_t size = rows * BLOCKS;
    uint8_t *even = malloc(4 * size);

    if (even == NULL)
        return -1;
    uint8_t *flat = even + size, *beside = flat + size, *core = beside + size;
    if (!find_even(low, high, size, even, flat)) {
        free(even);
        return 0;
    }
    uint32_t *run = malloc(2 * size * sizeof *run);
    if (run == NULL) {
        free(even);
        return -1;
    }
    uint32_t *joined = run + size, runs = find_areas(even, low, rows, run, joined);
    Area *areas = calloc(runs, sizeof *areas);
    if (areas == NULL) {
        free(run);
        free(even);
        return -1;
    }
    fax_most(flat, beside, rows, BLOCKS, 2);
    fax_least(even, core, rows, BLOCKS, THICK / 2);
    for (size_t i = 0; i < size; i++) {
        if (!even[i])
            continue;
        Area *area = areas + joined[run[i]];
        uint32_t y = (uint32_t)(i / BLOCKS), x = (uint32_t)(i % BLOCKS);
        int darker = low3[i] + DISTINCT < low[i], lighter = high3[i] > high[i] + DISTINCT;
        if (area->blocks++ == 0)
            area->top = y, area->left = area->right = x;
        area->bottom = y;
        area->left = LEAST(area->left, x);
        area->right = MOST(area->right, x);
        area->grey += low[i];
        area->dark += darker && !lighter;
        /* Where the area meets a lighter one, that is its edge and not something drawn on it. */
        area->light += lighter && !darker && beside[i] <= high[i] + EVEN;
        area->thick |= core[i];
    }
    for (uint32_t at = 0; at < runs; at++)
        areas[at].ink = areas[at].blocks && is_ink(areas + at);
    for (size_t i = 0; i < size; i++) {
        int chosen = even[i] && areas[joined[run[i]]].ink;
        ink[i] = chosen ? 255 : 0;
        limit[i] = even[i] && !chosen ? (uint8_t)(low[i] - (EVEN - 1)) : 255;
    }
    free(areas);
    free(run);
    free(even);
    return 1;
}
