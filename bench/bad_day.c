/* For LD_PRELOAD: a disk and a clock that have a bad day, as the file that BAD_DAY names says at each moment.
 *
 * The file is shared memory, laid out as `struct day` (bench/bad_day.py writes it). Faults of the disk meet only
 * paths that begin with `where`; flushes are slow on every path. Only CLOCK_REALTIME is moved: no step of the
 * wall clock moves the others.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct day {
    volatile int64_t shift;        /* nanoseconds that the wall clock is ahead */
    volatile int64_t frozen;       /* nanoseconds since the epoch at which it stands still; 0: it runs */
    volatile uint32_t flush_us;    /* a flush takes so much longer */
    volatile int32_t flush_error;  /* errno of flushes; 0: they work */
    volatile uint32_t flush_every; /* only each so-manieth flush fails */
    volatile int32_t write_error;  /* errno of whatever would change the disk; 0: it works */
    volatile uint32_t flushes;     /* counted here, by every process */
    volatile uint32_t refused;     /* calls that failed for a fault */
    char where[1024];
};

static struct day *day;

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("BAD_DAY");
    int descriptor = name == NULL ? -1 : open(name, O_RDWR | O_CLOEXEC);
    if (descriptor < 0)
        return;
    void *shared = mmap(NULL, sizeof(struct day), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (shared != MAP_FAILED)
        day = shared;
}

#define REAL(name)                                   \
    static __typeof__(name) *real;                   \
    if (real == NULL)                                \
        real = (__typeof__(real))dlsym(RTLD_NEXT, #name)

static int refuse(int error)
{
    __atomic_add_fetch(&day->refused, 1, __ATOMIC_RELAXED);
    errno = error;
    return -1;
}

static int met(const char *path)
{
    size_t length = strlen(day->where);
    return length > 0 && strncmp(path, day->where, length) == 0;
}

static int met_name(int directory, const char *path)
{
    char name[4096], link[64];
    ssize_t length;
    if (path[0] == '/')
        return met(path);
    if (directory == AT_FDCWD) {
        if (getcwd(name, sizeof name) == NULL)
            return 0;
        return met(name);
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    length = readlink(link, name, sizeof name - 1);
    if (length < 0)
        return 0;
    name[length] = 0;
    return met(name);
}

static int met_file(int descriptor)
{
    int before = errno, found = met_name(descriptor, "");
    errno = before;
    return found;
}

static int full(int descriptor)
{
    return day != NULL && day->write_error != 0 && met_file(descriptor);
}

/* Flushes */

static int flushed(int (*real)(int), int descriptor)
{
    int error = 0;
    if (day != NULL) {
        uint32_t count = __atomic_add_fetch(&day->flushes, 1, __ATOMIC_RELAXED);
        uint32_t every = day->flush_every > 0 ? day->flush_every : 1;
        if (day->flush_us > 0)
            usleep(day->flush_us);
        if (day->flush_error != 0 && count % every == 0 && met_file(descriptor))
            error = day->flush_error;
    }
    return error != 0 ? refuse(error) : real(descriptor);
}

int fsync(int descriptor)
{
    REAL(fsync);
    return flushed(real, descriptor);
}

int fdatasync(int descriptor)
{
    REAL(fdatasync);
    return flushed(real, descriptor);
}

/* Writes */

ssize_t write(int descriptor, const void *data, size_t size)
{
    REAL(write);
    return full(descriptor) ? refuse(day->write_error) : real(descriptor, data, size);
}

ssize_t writev(int descriptor, const struct iovec *data, int count)
{
    REAL(writev);
    return full(descriptor) ? refuse(day->write_error) : real(descriptor, data, count);
}

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t place)
{
    REAL(pwrite);
    return full(descriptor) ? refuse(day->write_error) : real(descriptor, data, size, place);
}

ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t place)
{
    REAL(pwrite64);
    return full(descriptor) ? refuse(day->write_error) : real(descriptor, data, size, place);
}

int ftruncate(int descriptor, off_t size)
{
    REAL(ftruncate);
    return full(descriptor) ? refuse(day->write_error) : real(descriptor, size);
}

int ftruncate64(int descriptor, off64_t size)
{
    REAL(ftruncate64);
    return full(descriptor) ? refuse(day->write_error) : real(descriptor, size);
}

/* Names: a full disk takes no new file, one that is read-only none that would be written */

static int closed_to(int directory, const char *path, int flags)
{
    struct stat found;
    if (day == NULL || day->write_error == 0 || !met_name(directory, path))
        return 0;
    if (day->write_error == EROFS)
        return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0;
    return (flags & O_TMPFILE) == O_TMPFILE || ((flags & O_CREAT) != 0 && fstatat(directory, path, &found, 0) != 0);
}

static int named(int directory, const char *path)
{
    return day != NULL && day->write_error != 0 && met_name(directory, path);
}

#define MODE                                                          \
    mode_t mode = 0;                                                  \
    if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) { \
        va_list rest;                                                 \
        va_start(rest, flags);                                        \
        mode = va_arg(rest, mode_t);                                  \
        va_end(rest);                                                 \
    }

int open(const char *path, int flags, ...)
{
    REAL(open);
    MODE
    return closed_to(AT_FDCWD, path, flags) ? refuse(day->write_error) : real(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    REAL(open64);
    MODE
    return closed_to(AT_FDCWD, path, flags) ? refuse(day->write_error) : real(path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...)
{
    REAL(openat);
    MODE
    return closed_to(directory, path, flags) ? refuse(day->write_error) : real(directory, path, flags, mode);
}

int openat64(int directory, const char *path, int flags, ...)
{
    REAL(openat64);
    MODE
    return closed_to(directory, path, flags) ? refuse(day->write_error) : real(directory, path, flags, mode);
}

int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    return named(AT_FDCWD, path) ? refuse(day->write_error) : real(path, mode);
}

int rename(const char *from, const char *to)
{
    REAL(rename);
    return named(AT_FDCWD, to) ? refuse(day->write_error) : real(from, to);
}

int renameat(int before, const char *from, int after, const char *to)
{
    REAL(renameat);
    return named(after, to) ? refuse(day->write_error) : real(before, from, after, to);
}

int unlink(const char *path)
{
    REAL(unlink);
    return named(AT_FDCWD, path) && day->write_error == EROFS ? refuse(EROFS) : real(path);
}

int unlinkat(int directory, const char *path, int flags)
{
    REAL(unlinkat);
    return named(directory, path) && day->write_error == EROFS ? refuse(EROFS) : real(directory, path, flags);
}

/* The wall clock */

#define SECOND 1000000000LL

static int64_t moved(int64_t now)
{
    if (day == NULL)
        return now;
    return day->frozen != 0 ? day->frozen : now + day->shift;
}

int clock_gettime(clockid_t clock, struct timespec *found)
{
    REAL(clock_gettime);
    int result = real(clock, found);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t now = moved(found->tv_sec * SECOND + found->tv_nsec);
        found->tv_sec = now / SECOND;
        found->tv_nsec = now % SECOND;
    }
    return result;
}

int gettimeofday(struct timeval *restrict found, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    found->tv_sec = now.tv_sec;
    found->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *found)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (found != NULL)
        *found = now.tv_sec;
    return now.tv_sec;
}
