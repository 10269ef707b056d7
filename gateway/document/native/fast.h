#ifndef FAX_FAST_H
#define FAX_FAST_H

/* Loops over rows and maps are written so that compilers vectorise them. On x86 with GCC a function marked FAST
   is compiled twice, for AVX2 and for every machine, and the right one is picked when the library is loaded.
   target_clones needs ifunc, which the GNU C library has; sanitizers start too late for it. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define FAST __attribute__((target_clones("avx2", "default")))
#else
#define FAST
#endif

#define LEAST(a, b) ((a) < (b) ? (a) : (b))
#define MOST(a, b) ((a) > (b) ? (a) : (b))

#endif
