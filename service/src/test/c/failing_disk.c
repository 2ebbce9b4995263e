/*
 * A disk that fails on request, for LD_PRELOAD.
 *
 * While the file $FAILING_DISK_TRIGGER exists, calls on files under $FAILING_DISK_DIRECTORY fail.
 * The file says which and how: "write 5" (write, pwrite, fallocate; here EIO), "sync 28" (fsync,
 * fdatasync, sync_file_range; here ENOSPC) or "open 30" (open for writing; here EROFS). The first write that fails puts half of its bytes on
 * the disk before, as a real one may.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int half_written;

/* The error that this call on this path shall fail with; 0 for none. */
static int path_failure(const char *path, const char *call) {
  const char *trigger = getenv("FAILING_DISK_TRIGGER");
  const char *directory = getenv("FAILING_DISK_DIRECTORY");
  if (!trigger || !directory || access(trigger, R_OK) != 0) return 0;
  char wanted[16];
  if (strncmp(path, directory, strlen(directory)) != 0) return 0;
  FILE *file = fopen(trigger, "r");
  if (!file) return 0;
  int error = 0;
  int fields = fscanf(file, "%15s %d", wanted, &error);
  fclose(file);
  return fields == 2 && strcmp(wanted, call) == 0 ? error : 0;
}

static int failure(int fd, const char *call) {
  if (!getenv("FAILING_DISK_TRIGGER")) return 0;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return path_failure(path, call);
}

static size_t half(size_t count) {
  return count > 1 && !atomic_exchange(&half_written, 1) ? count / 2 : 0;
}

#define REAL(name, type)            \
  static __typeof__(type) real; \
  if (!real) real = (__typeof__(type))dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *bytes, size_t count) {
  REAL("write", ssize_t (*)(int, const void *, size_t));
  int error = failure(fd, "write");
  if (!error) return real(fd, bytes, count);
  size_t some = half(count);
  if (some) return real(fd, bytes, some);
  errno = error;
  return -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  REAL("pwrite", ssize_t (*)(int, const void *, size_t, off_t));
  int error = failure(fd, "write");
  if (!error) return real(fd, bytes, count, offset);
  size_t some = half(count);
  if (some) return real(fd, bytes, some, offset);
  errno = error;
  return -1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  return pwrite(fd, bytes, count, offset);
}

int fallocate(int fd, int mode, off_t offset, off_t length) {
  REAL("fallocate", int (*)(int, int, off_t, off_t));
  int error = failure(fd, "write");
  if (!error) return real(fd, mode, offset, length);
  errno = error;
  return -1;
}

int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
  return fallocate(fd, mode, offset, length);
}

int fsync(int fd) {
  REAL("fsync", int (*)(int));
  int error = failure(fd, "sync");
  if (!error) return real(fd);
  errno = error;
  return -1;
}

int fdatasync(int fd) {
  REAL("fdatasync", int (*)(int));
  int error = failure(fd, "sync");
  if (!error) return real(fd);
  errno = error;
  return -1;
}

int sync_file_range(int fd, off64_t offset, off64_t count, unsigned int flags) {
  REAL("sync_file_range", int (*)(int, off64_t, off64_t, unsigned int));
  int error = failure(fd, "sync");
  if (!error) return real(fd, offset, count, flags);
  errno = error;
  return -1;
}

static int open_or_fail(const char *name, const char *path, int flags, mode_t mode) {
  int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
  int error = (flags & (O_WRONLY | O_RDWR | O_CREAT)) ? path_failure(path, "open") : 0;
  if (!error) return real(path, flags, mode);
  errno = error;
  return -1;
}

static mode_t mode_of(int flags, va_list rest) {
  return (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return open_or_fail("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return open_or_fail("open64", path, flags, mode);
}
