#ifndef FAX_MAPS_H
#define FAX_MAPS_H

#include <stddef.h>
#include <stdint.h>

/* Small operations on maps of blocks or cells, as in gateway/document/raster/blocks.py. A map has `rows` rows of
   `columns` bytes, at least one of each and at most FAX_COLUMNS columns; results go to another map. */

enum { FAX_COLUMNS = 432, FAX_REACH = 12 };

/* The least, or the greatest, within `reach` (at most FAX_REACH) each way. */
void fax_least(const uint8_t *from, uint8_t *to, size_t rows, size_t columns, size_t reach);
void fax_most(const uint8_t *from, uint8_t *to, size_t rows, size_t columns, size_t reach);
/* The sum within `reach` each way, 16 bits; beyond the edge the edge goes on. */
void fax_around(const uint8_t *from, uint16_t *to, size_t rows, size_t columns, size_t reach);

#endif
