#ifndef FAX_H
#define FAX_H

#include <stddef.h>
#include <stdint.h>

enum { FAX_WIDTH = 1728, FAX_ROW = FAX_WIDTH / 8 };

/* Of everything below; gateway/document/native/__init__.py has the same number, or does not load the library. */
enum { FAX_ABI = 4 };

uint32_t fax_abi(void);
void fax_survey(const uint8_t *grey, size_t rows, size_t tall, uint8_t *low, uint8_t *high, uint8_t *across,
                uint8_t *down);
void fax_quartered(const uint8_t *grey, size_t rows, size_t down, uint8_t *mean, uint8_t *dark);
void fax_threshold(const uint8_t *grey, size_t rows, const uint8_t *level, size_t wide, size_t tall,
                   uint8_t *out);
void fax_screen(const uint8_t *grey, uint8_t *out, size_t left, size_t top, size_t right, size_t bottom,
                const uint8_t *tile, size_t tall);
int fax_drawn(const uint8_t *low, const uint8_t *high, const uint8_t *across, const uint8_t *down, size_t rows,
              uint8_t *level);
int fax_scanned(const uint8_t *mean, const uint8_t *dark, size_t rows, size_t columns, uint8_t *level);
int fax_resize(const uint8_t *grey, size_t rows, size_t columns, uint8_t *to, size_t high, size_t wide,
               const int32_t *top, const int32_t *down, size_t taps_down, const int32_t *left, const int32_t *across,
               size_t taps_across);
size_t fax_g4_room(size_t rows);
void fax_ccitt(const uint8_t *data, size_t size, size_t columns, size_t rows, int k, int align,
               const uint16_t *white, const uint16_t *black, const uint8_t *modes, int32_t *scratch, int64_t *found);
size_t fax_g4(const uint8_t *page, size_t rows, uint8_t *out, size_t room);

#endif
