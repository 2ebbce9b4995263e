/*
 * A machine that loses its power, for LD_PRELOAD: what was written under $POWER_CUT_DIRECTORY and not
 * synced may be lost, in the ways in which disks and file systems lose it.
 *
 * Everything that a process writes to a file there is done at once, and noted with what it undoes,
 * until the file is synced; so is what it does to a directory (create, rename, unlink, link, mkdir)
 * until that directory is synced. Once the file $POWER_CUT_TRIGGER exists, its two numbers are read, a
 * count and a seed. At that many calls from then on, nothing is written any more, a part of what is noted is undone, and
 * the process is killed. What the seed decides, for each file: all of it is undone (twice as likely as the
 * others); what follows some write is, and a part of that write, from a boundary of 512 bytes on; or its bytes are
 * and its length is not, so that it ends in zeros. For the directories, all of it or the last so many.
 * A sync itself costs nothing here: it ends the notes, before or after the cut, never half. Of a file that is mapped into memory,
 * each page is as it was when it was mapped or synced last, or as it is.
 *
 * Not modelled: a later write to a file that survives an earlier one to the same file, but for pages of a mapping; files
 * written by stdio, copy_file_range and sendfile (RocksDB's LOG, which nobody reads); a directory that is
 * removed (it counts as synced); bytes that were synced and are damaged by the cut, or a disk that lies about
 * having synced; sync_file_range, which promises nothing, and syncs nothing here.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* A write, or a change of length, by what it replaced. */
struct undo {
  off_t offset;   /* of the write */
  size_t length;  /* of the write; 0 for a change of length */
  off_t size;     /* of the file before */
  size_t kept;    /* bytes of old */
  off_t kept_at;  /* where they were */
  char *old;
};

/* A file with writes that are not synced, held open so that its number is not given away. */
struct file {
  dev_t device;
  ino_t number;
  int fd;
  struct undo *undos;
  size_t count, room;
  struct file *next;
};

enum kind { CREATED, UNLINKED, RENAMED, DIRECTORY_MADE };

/* A change of a directory that is not synced, the newest first. */
struct change {
  enum kind kind;
  dev_t device;
  ino_t directory;
  char *path;  /* what is there now, or was */
  char *other; /* renamed: what it was called before */
  char *grave; /* another name of what was unlinked or replaced; null for nothing */
  struct change *next;
};

/* A file that is mapped, with all that was in it when it was mapped or synced. */
struct mapping {
  dev_t device;
  ino_t number;
  int fd;
  char *address;
  size_t length;
  char *old;
  size_t kept;
  struct mapping *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files;
static struct change *changes;
static struct mapping *mappings;
static size_t graves;
static long left = -1;
static unsigned seed;

#define REAL(name, type)            \
  static __typeof__(type) real; \
  if (!real) real = (__typeof__(type))dlsym(RTLD_NEXT, name)

static ssize_t real_pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  REAL("pwrite64", ssize_t (*)(int, const void *, size_t, off_t));
  return real(fd, bytes, count, offset);
}

static int real_ftruncate(int fd, off_t length) {
  REAL("ftruncate64", int (*)(int, off_t));
  return real(fd, length);
}

static int real_unlink(const char *path) {
  REAL("unlink", int (*)(const char *));
  return real(path);
}

static int real_rename(const char *from, const char *to) {
  REAL("rename", int (*)(const char *, const char *));
  return real(from, to);
}

static int real_link(const char *from, const char *to) {
  REAL("link", int (*)(const char *, const char *));
  return real(from, to);
}

static int real_open(const char *path, int flags, mode_t mode) {
  REAL("open64", int (*)(const char *, int, ...));
  return real(path, flags, mode);
}

static void fail(const char *what) {
  fprintf(stderr, "power_cut: %s: %s\n", what, strerror(errno));
  abort();
}

static const char *directory(void) {
  static const char *found;
  if (!found) found = getenv("POWER_CUT_DIRECTORY");
  return found;
}

static int watched(const char *path) {
  const char *in = directory();
  size_t length = in ? strlen(in) : 0;
  return in && strncmp(path, in, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* Puts the path of an open file into a buffer of PATH_MAX bytes; 0 when there is none. */
static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  path[length > 0 ? length : 0] = 0;
  return length > 0;
}

/* Whether this is an open file, or directory, whose loss is modelled. */
static int watched_fd(int fd, mode_t type, struct stat *status) {
  char path[PATH_MAX];
  return directory() && fstat(fd, status) == 0 && (status->st_mode & S_IFMT) == type && path_of(fd, path) &&
         watched(path);
}

static unsigned below(unsigned bound) {
  seed = seed * 1103515245u + 12345u;
  return (seed >> 8) % bound;
}

/* Undoes one write but for its first bytes. */
static void undo(struct file *file, struct undo *one, size_t spared, int keep_size) {
  struct stat now;
  if (fstat(file->fd, &now) != 0) fail("fstat");
  off_t from = one->offset + (off_t)spared;
  if (one->kept) {
    off_t at = one->kept_at > from ? one->kept_at : from;
    off_t end = one->kept_at + (off_t)one->kept;
    if (at < end && real_pwrite(file->fd, one->old + (at - one->kept_at), end - at, at) < 0) fail("restore");
  }
  off_t size = one->size > from || !spared ? one->size : from;
  if (!keep_size) {
    if (real_ftruncate(file->fd, size) != 0) fail("ftruncate");
  } else if (now.st_size > size) {
    /* The length was written and the bytes were not. */
    if (real_ftruncate(file->fd, size) != 0 || real_ftruncate(file->fd, now.st_size) != 0) fail("ftruncate");
  }
}

static void lose_bytes(struct file *file) {
  unsigned way = below(4);
  size_t first = 0, spared = 0;
  if (way == 2) {
    first = below(file->count);
    struct undo *torn = &file->undos[first];
    if (torn->length) {
      off_t end = (torn->offset + below(torn->length + 1)) / 512 * 512;
      if (end > torn->offset) spared = end - torn->offset;
    }
  }
  for (size_t i = file->count; i-- > first;) undo(file, &file->undos[i], i == first ? spared : 0, way == 3);
}

#define PAGE 4096

static void lose_pages(struct mapping *mapping) {
  for (size_t at = 0; at < mapping->kept; at += PAGE) {
    size_t length = mapping->kept - at < PAGE ? mapping->kept - at : PAGE;
    if (below(2) && real_pwrite(mapping->fd, mapping->old + at, length, at) < 0) fail("restore a page");
  }
}

static void keep_pages(struct mapping *mapping) {
  struct stat status;
  if (fstat(mapping->fd, &status) != 0) fail("fstat");
  mapping->kept = status.st_size;
  mapping->old = realloc(mapping->old, mapping->kept + 1);
  if (pread(mapping->fd, mapping->old, mapping->kept, 0) != (ssize_t)mapping->kept) fail("read what is mapped");
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
  (void)status, (void)type, (void)walk;
  return remove(path);
}

static void lose_changes(void) {
  size_t count = 0;
  for (struct change *change = changes; change; change = change->next) count++;
  if (count && below(2)) count = below(count + 1);
  for (struct change *change = changes; change && count--; change = change->next) {
    switch (change->kind) {
      case CREATED:
        real_unlink(change->path);
        break;
      case RENAMED:
        real_rename(change->path, change->other);
        /* fall through */
      case UNLINKED:
        if (change->grave) real_rename(change->grave, change->path);
        break;
      case DIRECTORY_MADE:
        nftw(change->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        break;
    }
  }
}

/* Counts a call; the lock is held. */
static void count_down(void) {
  const char *trigger = getenv("POWER_CUT_TRIGGER");
  if (left < 0) {
    if (!trigger || access(trigger, R_OK) != 0) return;
    FILE *file = fopen(trigger, "r");
    if (!file) return;
    if (fscanf(file, "%ld %u", &left, &seed) != 2) left = -1;
    fclose(file);
  }
  if (left < 0 || left-- > 0) return;
  for (struct mapping *mapping = mappings; mapping; mapping = mapping->next) lose_pages(mapping);
  for (struct file *file = files; file; file = file->next)
    if (file->count) lose_bytes(file);
  lose_changes();
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static struct file *find(const struct stat *status) {
  for (struct file *file = files; file; file = file->next)
    if (file->number == status->st_ino && file->device == status->st_dev) return file;
  return NULL;
}

/* Another descriptor, of our own, to read and write it. */
static int open_again(int fd) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int again = real_open(path, O_RDWR | O_CLOEXEC, 0);
  if (again < 0) fail("open again");
  return again;
}

/* Notes what a write of so many bytes, or a new length, will replace. */
static void note(int fd, const struct stat *status, off_t offset, size_t length, off_t cut_to) {
  struct file *file = find(status);
  if (!file) {
    file = calloc(1, sizeof *file);
    file->fd = open_again(fd);
    file->device = status->st_dev;
    file->number = status->st_ino;
    file->next = files;
    files = file;
  }
  if (file->count == file->room) {
    file->room = file->room ? 2 * file->room : 8;
    file->undos = realloc(file->undos, file->room * sizeof *file->undos);
  }
  struct undo *one = &file->undos[file->count++];
  memset(one, 0, sizeof *one);
  one->offset = offset;
  one->length = length;
  one->size = status->st_size;
  one->kept_at = length ? offset : cut_to;
  off_t end = length ? offset + (off_t)length : status->st_size;
  if (end > status->st_size) end = status->st_size;
  if (one->kept_at < end) {
    one->kept = end - one->kept_at;
    one->old = malloc(one->kept);
    if (pread(file->fd, one->old, one->kept, one->kept_at) != (ssize_t)one->kept) fail("read what is replaced");
  }
}

static void synced(const struct stat *status) {
  for (struct mapping *mapping = mappings; mapping; mapping = mapping->next)
    if (mapping->number == status->st_ino && mapping->device == status->st_dev) keep_pages(mapping);
  for (struct file **at = &files; *at; at = &(*at)->next) {
    struct file *file = *at;
    if (file->number == status->st_ino && file->device == status->st_dev) {
      *at = file->next;
      for (size_t i = 0; i < file->count; i++) free(file->undos[i].old);
      free(file->undos);
      close(file->fd);
      free(file);
      return;
    }
  }
}

static void free_change(struct change *change) {
  if (change->grave) real_unlink(change->grave);
  free(change->path);
  free(change->other);
  free(change->grave);
  free(change);
}

static void synced_directory(dev_t device, ino_t number) {
  struct change **at = &changes;
  while (*at) {
    struct change *change = *at;
    if (change->directory == number && change->device == device) {
      *at = change->next;
      free_change(change);
    } else {
      at = &change->next;
    }
  }
}

static int parent(const char *path, struct stat *status) {
  char copy[PATH_MAX];
  snprintf(copy, sizeof copy, "%s", path);
  char *slash = strrchr(copy, '/');
  if (!slash || slash == copy) return -1;
  *slash = 0;
  return stat(copy, status);
}

static void changed(enum kind kind, const char *path, const char *other, char *grave) {
  struct stat status;
  if (parent(path, &status) != 0) fail(path);
  struct change *change = calloc(1, sizeof *change);
  change->kind = kind;
  change->device = status.st_dev;
  change->directory = status.st_ino;
  change->path = strdup(path);
  change->other = other ? strdup(other) : NULL;
  change->grave = grave;
  change->next = changes;
  changes = change;
}

/* Another name, beside the directory, for what will lose its own; null when it is not there. */
static char *bury(const char *path) {
  char *grave = malloc(PATH_MAX);
  snprintf(grave, PATH_MAX, "%s.graves/%d-%zu", directory(), getpid(), graves++);
  if (real_link(path, grave) == 0) return grave;
  if (errno != ENOENT) fail("link");
  free(grave);
  return NULL;
}

/* Begins a call on a file: the lock is held when it is watched. */
static int begin(int fd, struct stat *status) {
  if (!watched_fd(fd, S_IFREG, status)) return 0;
  pthread_mutex_lock(&lock);
  count_down();
  if (fstat(fd, status) != 0) fail("fstat");
  return 1;
}

static void end(void) {
  int error = errno;
  pthread_mutex_unlock(&lock);
  errno = error;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  REAL("write", ssize_t (*)(int, const void *, size_t));
  struct stat status;
  if (!count || !begin(fd, &status)) return real(fd, bytes, count);
  off_t at = (fcntl(fd, F_GETFL) & O_APPEND) ? status.st_size : lseek(fd, 0, SEEK_CUR);
  note(fd, &status, at, count, 0);
  ssize_t written = real(fd, bytes, count);
  end();
  return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  struct stat status;
  if (!count || !begin(fd, &status)) return real_pwrite(fd, bytes, count, offset);
  note(fd, &status, offset, count, 0);
  ssize_t written = real_pwrite(fd, bytes, count, offset);
  end();
  return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return pwrite64(fd, bytes, count, offset); }

static size_t total(const struct iovec *parts, int count) {
  size_t sum = 0;
  for (int i = 0; i < count; i++) sum += parts[i].iov_len;
  return sum;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL("writev", ssize_t (*)(int, const struct iovec *, int));
  struct stat status;
  if (!total(parts, count) || !begin(fd, &status)) return real(fd, parts, count);
  off_t at = (fcntl(fd, F_GETFL) & O_APPEND) ? status.st_size : lseek(fd, 0, SEEK_CUR);
  note(fd, &status, at, total(parts, count), 0);
  ssize_t written = real(fd, parts, count);
  end();
  return written;
}

int ftruncate64(int fd, off64_t length) {
  struct stat status;
  if (!begin(fd, &status)) return real_ftruncate(fd, length);
  note(fd, &status, 0, 0, length);
  int done = real_ftruncate(fd, length);
  end();
  return done;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
  REAL("fallocate64", int (*)(int, int, off64_t, off64_t));
  struct stat status;
  if (!begin(fd, &status)) return real(fd, mode, offset, length);
  /* RocksDB reserves room with and without a new length, and cuts holes nowhere. */
  if (mode & ~FALLOC_FL_KEEP_SIZE) fail("a kind of fallocate that is not modelled");
  if (!(mode & FALLOC_FL_KEEP_SIZE)) note(fd, &status, 0, 0, status.st_size);
  int done = real(fd, mode, offset, length);
  end();
  return done;
}

int fallocate(int fd, int mode, off_t offset, off_t length) { return fallocate64(fd, mode, offset, length); }

static int sync_of(int fd, const char *name) {
  struct stat status;
  if (begin(fd, &status)) {
    synced(&status);
    end();
    return 0;
  }
  if (watched_fd(fd, S_IFDIR, &status)) {
    pthread_mutex_lock(&lock);
    count_down();
    synced_directory(status.st_dev, status.st_ino);
    end();
    return 0;
  }
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  return real(fd);
}

int fsync(int fd) { return sync_of(fd, "fsync"); }
int fdatasync(int fd) { return sync_of(fd, "fdatasync"); }

int sync_file_range(int fd, off64_t offset, off64_t count, unsigned int flags) {
  REAL("sync_file_range", int (*)(int, off64_t, off64_t, unsigned int));
  struct stat status;
  return watched_fd(fd, S_IFREG, &status) ? 0 : real(fd, offset, count, flags);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset) {
  REAL("mmap64", void *(*)(void *, size_t, int, int, int, off64_t));
  struct stat status;
  if (fd < 0 || !(protection & PROT_WRITE) || !(flags & MAP_SHARED) || !begin(fd, &status))
    return real(address, length, protection, flags, fd, offset);
  struct mapping *mapping = calloc(1, sizeof *mapping);
  mapping->device = status.st_dev;
  mapping->number = status.st_ino;
  mapping->fd = open_again(fd);
  mapping->length = length;
  mapping->next = mappings;
  mappings = mapping;
  keep_pages(mapping);
  mapping->address = real(address, length, protection, flags, fd, offset);
  if (mapping->address == MAP_FAILED) fail("mmap");
  end();
  return mapping->address;
}

int msync(void *address, size_t length, int flags) {
  REAL("msync", int (*)(void *, size_t, int));
  pthread_mutex_lock(&lock);
  struct mapping *mapping = mappings;
  while (mapping && !((char *)address >= mapping->address && (char *)address < mapping->address + mapping->length))
    mapping = mapping->next;
  if (mapping) {
    struct stat status;
    count_down();
    if (fstat(mapping->fd, &status) != 0) fail("fstat");
    synced(&status);
  }
  end();
  return mapping ? 0 : real(address, length, flags);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  return mmap64(address, length, protection, flags, fd, offset);
}

static int open_as(const char *name, const char *path, int flags, mode_t mode) {
  int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
  if (!(flags & (O_CREAT | O_TRUNC)) || !watched(path)) return real(path, flags, mode);
  pthread_mutex_lock(&lock);
  count_down();
  struct stat before;
  int existed = stat(path, &before) == 0;
  /* Emptied by us when it is open, so that what was in it can be noted. */
  int fd = real(path, flags & ~O_TRUNC, mode);
  if (fd >= 0 && !existed) changed(CREATED, path, NULL, NULL);
  if (fd >= 0 && existed && (flags & O_TRUNC) && before.st_size > 0) {
    note(fd, &before, 0, 0, 0);
    if (real_ftruncate(fd, 0) != 0) fail("ftruncate");
  }
  end();
  return fd;
}

static mode_t mode_of(int flags, va_list rest) { return (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; }

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return open_as("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return open_as("open64", path, flags, mode);
}

int rename(const char *from, const char *to) {
  if (!watched(to)) return real_rename(from, to);
  pthread_mutex_lock(&lock);
  count_down();
  char *grave = bury(to);
  int done = real_rename(from, to);
  if (done == 0) changed(RENAMED, to, from, grave);
  end();
  return done;
}

int link(const char *from, const char *to) {
  if (!watched(to)) return real_link(from, to);
  pthread_mutex_lock(&lock);
  count_down();
  int done = real_link(from, to);
  if (done == 0) changed(CREATED, to, NULL, NULL);
  end();
  return done;
}

int unlink(const char *path) {
  if (!watched(path)) return real_unlink(path);
  pthread_mutex_lock(&lock);
  count_down();
  char *grave = bury(path);
  int done = real_unlink(path);
  if (done == 0) changed(UNLINKED, path, NULL, grave);
  end();
  return done;
}

int mkdir(const char *path, mode_t mode) {
  REAL("mkdir", int (*)(const char *, mode_t));
  if (!watched(path)) return real(path, mode);
  pthread_mutex_lock(&lock);
  count_down();
  int done = real(path, mode);
  if (done == 0) changed(DIRECTORY_MADE, path, NULL, NULL);
  end();
  return done;
}

int rmdir(const char *path) {
  REAL("rmdir", int (*)(const char *));
  if (!watched(path)) return real(path);
  pthread_mutex_lock(&lock);
  count_down();
  struct stat status;
  int known = stat(path, &status) == 0;
  int done = real(path);
  if (done == 0 && known) {
    synced_directory(status.st_dev, status.st_ino);
    struct change **at = &changes;
    while (*at) {
      struct change *change = *at;
      if (change->kind == DIRECTORY_MADE && strcmp(change->path, path) == 0) {
        *at = change->next;
        free_change(change);
      } else {
        at = &change->next;
      }
    }
  }
  end();
  return done;
}
