/*
 * A disk that fails on request, and a process that dies on request, for LD_PRELOAD.
 *
 * While the file $FAILING_DISK_TRIGGER exists, calls on files under $FAILING_DISK_DIRECTORY fail.
 * The file says which and how: "write 5" (write, pwrite, fallocate; here EIO), "sync 28" (fsync,
 * fdatasync, sync_file_range; here ENOSPC) or "open 30" (open for writing; here EROFS). The first write that fails puts half of its bytes on
 * the disk before, as a real one may.
 *
 * Or the file says where the process shall die, as by kill -9: "kill-before-write 3 .log" before the
 * third write from now to a file whose name ends in .log. There are kill-before-write,
 * kill-within-write (half of its bytes are written), kill-after-write, kill-before-sync and
 * kill-after-sync; "." at the end stands for every file.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
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
  char wanted[32];
  if (strncmp(path, directory, strlen(directory)) != 0) return 0;
  FILE *file = fopen(trigger, "r");
  if (!file) return 0;
  int error = 0;
  int fields = fscanf(file, "%31s %d", wanted, &error);
  fclose(file);
  return fields == 2 && strcmp(wanted, call) == 0 ? error : 0;
}

/* Puts the path of an open file into a buffer of PATH_MAX bytes; 0 when there is none. */
static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  path[length > 0 ? length : 0] = 0;
  return length > 0;
}

static int failure(int fd, const char *call) {
  char path[PATH_MAX];
  if (!getenv("FAILING_DISK_TRIGGER") || !path_of(fd, path)) return 0;
  return path_failure(path, call);
}

static atomic_int points_passed;

/* Whether this is the place at which the process shall die. */
static int dies(int fd, const char *point) {
  const char *trigger = getenv("FAILING_DISK_TRIGGER");
  const char *directory = getenv("FAILING_DISK_DIRECTORY");
  if (!trigger || !directory || access(trigger, R_OK) != 0) return 0;
  FILE *file = fopen(trigger, "r");
  if (!file) return 0;
  char wanted[32], suffix[32], path[PATH_MAX];
  int passes = 0;
  int fields = fscanf(file, "%31s %d %31s", wanted, &passes, suffix);
  fclose(file);
  if (fields != 3 || strcmp(wanted, point) != 0 || !path_of(fd, path)) return 0;
  size_t length = strlen(path), end = strlen(suffix);
  if (strncmp(path, directory, strlen(directory)) != 0) return 0;
  if (strcmp(suffix, ".") != 0 && (length < end || strcmp(path + length - end, suffix) != 0)) return 0;
  return atomic_fetch_add(&points_passed, 1) + 1 == passes;
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static size_t half(size_t count) {
  return count > 1 && !atomic_exchange(&half_written, 1) ? count / 2 : 0;
}

#define REAL(name, type)            \
  static __typeof__(type) real; \
  if (!real) real = (__typeof__(type))dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void *bytes, size_t count) {
  REAL("write", ssize_t (*)(int, const void *, size_t));
  if (dies(fd, "kill-before-write")) die();
  if (dies(fd, "kill-within-write")) {
    real(fd, bytes, count / 2);
    die();
  }
  int error = failure(fd, "write");
  if (!error) {
    ssize_t written = real(fd, bytes, count);
    if (dies(fd, "kill-after-write")) die();
    return written;
  }
  size_t some = half(count);
  if (some) return real(fd, bytes, some);
  errno = error;
  return -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  REAL("pwrite", ssize_t (*)(int, const void *, size_t, off_t));
  if (dies(fd, "kill-before-write")) die();
  if (dies(fd, "kill-within-write")) {
    real(fd, bytes, count / 2, offset);
    die();
  }
  int error = failure(fd, "write");
  if (!error) {
    ssize_t written = real(fd, bytes, count, offset);
    if (dies(fd, "kill-after-write")) die();
    return written;
  }
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
  if (dies(fd, "kill-before-sync")) die();
  int error = failure(fd, "sync");
  if (!error) {
    int synced = real(fd);
    if (dies(fd, "kill-after-sync")) die();
    return synced;
  }
  errno = error;
  return -1;
}

int fdatasync(int fd) {
  REAL("fdatasync", int (*)(int));
  if (dies(fd, "kill-before-sync")) die();
  int error = failure(fd, "sync");
  if (!error) {
    int synced = real(fd);
    if (dies(fd, "kill-after-sync")) die();
    return synced;
  }
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
