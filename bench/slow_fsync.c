/* For LD_PRELOAD: every flush to disk takes SLOW_FSYNC_US microseconds longer, as on a disk without a cache.
 *
 * A virtual disk often acknowledges a flush from its host's memory, and then nobody sees what flushes cost.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

typedef int (*flush)(int);

static int slowly(const char *name, int descriptor)
{
    flush real = (flush)dlsym(RTLD_NEXT, name);
    int result = real(descriptor);
    const char *delay = getenv("SLOW_FSYNC_US");
    if (delay != NULL)
        usleep((useconds_t)strtoul(delay, NULL, 10));
    return result;
}

int fsync(int descriptor)
{
    return slowly("fsync", descriptor);
}

int fdatasync(int descriptor)
{
    return slowly("fdatasync", descriptor);
}
