#ifndef FAX_FILLS_H
#define FAX_FILLS_H

#include <stddef.h>
#include <stdint.h>

/* What is darker is ink in any case. */
enum { FAX_SOLID = 96 };

/* Judge the even grey areas of a page, as gateway/document/raster/fills.py does. `limit` becomes the level that
   keeps an area paper, 255 elsewhere; `ink` becomes 255 where an area is ink, else 0. Returns 1, or 0 if there
   are no such areas (the maps are not touched then), or -1 if there is no memory. */
int fax_fills(const uint8_t *low, const uint8_t *high, const uint8_t *low3, const uint8_t *high3, size_t rows,
              uint8_t *limit, uint8_t *ink);

#endif
