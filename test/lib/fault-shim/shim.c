/*
 * Stands between a program and the C library (LD_PRELOAD) and makes system calls fail, or the process die, when
 * it has been ordered to; and writes down, in order, what was done. Orders and journal are in one file that all
 * processes map: orders.ts has the other side of it, and the meaning of every field.
 *
 * Only calls that touch an instance count: paths and descriptors below its directory (its programs excepted), and
 * pipes and sockets. Everything else passes through, as does everything in processes that are not node.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MAGIC = 0x51464c54, ORDERS = 64, ROLE = 24, PATH_KEPT = 160, DATA_KEPT = 632, RECORD = 1024 };
enum action { FAIL = 1, FAIL_AFTER, SHORT, KILL_BEFORE, KILL_AFTER };

/* The order is that of CALLS in orders.ts. */
enum call {
  OPEN, WRITE, FSYNC, LINK, UNLINK, RENAME, MKDIR, FTRUNCATE, CLOSE, READ, SEND, RECEIVE, FORK, EXEC, DESCRIPTOR,
  CONNECT, SYMLINK, RMDIR, CALLS
};

struct order {
  char role[ROLE];
  uint32_t calls;
  int32_t error;
  uint32_t action;
  int32_t remaining;
  uint32_t fired;
  uint32_t pid;
  uint64_t at;
  uint64_t unused;
};

struct record {
  uint64_t stamp; /* its number, written last, and one */
  uint64_t ended; /* the next number when the call had ended */
  int32_t pid, result, error;
  uint32_t call;
  int32_t fd;
  uint32_t order; /* the one that fired, and one */
  uint32_t length;
  char role[ROLE];
  char path[PATH_KEPT];
  char other[PATH_KEPT];
  unsigned char data[DATA_KEPT];
};
_Static_assert(sizeof(struct order) == 64, "order");
_Static_assert(sizeof(struct record) == RECORD, "record");

struct table {
  uint32_t magic;
  uint32_t records;
  uint64_t next;
  char home[256];
  char unused[4096 - 272];
  struct order orders[ORDERS];
  struct record journal[];
};

static struct table *table;
static char role[ROLE];
static char preload[512], file_of_orders[512];

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

/* "qmail-local", "qmail-local+worker" or "qmail-queue+listen": from node's second argument and those after it. */
static void find_role(void) {
  char line[4096];
  int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  long n = syscall(SYS_read, fd, line, sizeof line - 1);
  syscall(SYS_close, fd);
  if (n <= 0) return;
  line[n] = 0;
  const char *slash = strrchr(line, '/');
  if (strcmp(slash ? slash + 1 : line, "node") != 0) return;
  const char *script = line + strlen(line) + 1, *end = line + n;
  if (script >= end) return;
  slash = strrchr(script, '/');
  const char *form = "";
  for (const char *word = script; word < end; word += strlen(word) + 1) {
    if (strcmp(word, "--worker") == 0) form = "+worker";
    if (strncmp(word, "--listen", 8) == 0) form = "+listen";
  }
  snprintf(role, sizeof role, "%s%s", slash ? slash + 1 : script, form);
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAULT_ORDERS"), *self = getenv("LD_PRELOAD");
  if (path == NULL || self == NULL) return;
  snprintf(file_of_orders, sizeof file_of_orders, "FAULT_ORDERS=%s", path);
  snprintf(preload, sizeof preload, "LD_PRELOAD=%s", self);
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) return;
  void *map = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (map == MAP_FAILED || ((struct table *)map)->magic != MAGIC) return;
  find_role();
  if (role[0] != 0) table = map;
}

/* --- what counts --- */

static int below_home(const char *path) {
  size_t length = strlen(table->home);
  return strncmp(path, table->home, length) == 0 && path[length] == '/' &&
         strncmp(path + length, "/bin", 4) != 0 && strncmp(path + length, "/programs-", 10) != 0;
}

/* Fills `full` with the absolute path, whether it counts or not. */
static int path_counts(const char *path, char *full) {
  full[0] = 0;
  if (table == NULL || path == NULL) return 0;
  if (path[0] == '/') {
    snprintf(full, PATH_KEPT, "%s", path);
  } else {
    char here[PATH_KEPT];
    if (syscall(SYS_getcwd, here, sizeof here) < 0) return 0;
    const char *rest = strncmp(path, "./", 2) == 0 ? path + 2 : path;
    if (snprintf(full, PATH_KEPT, "%s/%s", here, rest) >= PATH_KEPT) full[PATH_KEPT - 1] = 0;
  }
  return below_home(full);
}

static int fd_counts(int fd, char *full) {
  char link[32];
  full[0] = 0;
  if (table == NULL) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  long n = syscall(SYS_readlinkat, AT_FDCWD, link, full, PATH_KEPT - 1);
  if (n < 0) return 0;
  full[n] = 0;
  return strncmp(full, "pipe:", 5) == 0 || strncmp(full, "socket:", 7) == 0 || below_home(full);
}

/* --- orders and journal --- */

static void die(void) {
  syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
  for (;;) pause();
}

/* The order that has now come due, NULL for none. */
static struct order *due(enum call call, uint64_t at) {
  for (int i = 0; i < ORDERS; i++) {
    struct order *order = &table->orders[i];
    if (__atomic_load_n(&order->remaining, __ATOMIC_ACQUIRE) <= 0) continue;
    if (!(order->calls & (1u << call)) || strcmp(order->role, role) != 0) continue;
    if (__atomic_sub_fetch(&order->remaining, 1, __ATOMIC_ACQ_REL) != 0) continue;
    order->pid = (uint32_t)syscall(SYS_getpid);
    order->at = at;
    __atomic_store_n(&order->fired, 1, __ATOMIC_RELEASE);
    return order;
  }
  return NULL;
}

/* One call under way. */
struct step {
  struct order *order;
  uint64_t number;
  enum call call;
  int fd;
  const char *path, *other;
  const void *data;
  size_t length;
};

static void note(const struct step *step, long result, int error) {
  struct record *record = &table->journal[step->number % table->records];
  size_t kept = step->length < DATA_KEPT ? step->length : DATA_KEPT;
  record->ended = __atomic_load_n(&table->next, __ATOMIC_ACQUIRE);
  record->pid = (int32_t)syscall(SYS_getpid);
  record->result = (int32_t)result;
  record->error = error;
  record->call = step->call;
  record->fd = step->fd;
  record->order = step->order ? (uint32_t)(step->order - table->orders) + 1 : 0;
  record->length = (uint32_t)step->length;
  memcpy(record->role, role, ROLE);
  snprintf(record->path, PATH_KEPT, "%s", step->path ? step->path : "");
  snprintf(record->other, PATH_KEPT, "%s", step->other ? step->other : "");
  memset(record->data, 0, DATA_KEPT);
  if (step->data) memcpy(record->data, step->data, kept);
  __atomic_store_n(&record->stamp, step->number + 1, __ATOMIC_RELEASE);
}

static struct step begin_step(enum call call, int fd, const char *path, const char *other) {
  struct step step = {.call = call, .fd = fd, .path = path, .other = other};
  step.number = __atomic_fetch_add(&table->next, 1, __ATOMIC_ACQ_REL);
  step.order = due(call, step.number);
  if (step.order && step.order->action == KILL_BEFORE) {
    note(&step, -1, 0);
    die();
  }
  return step;
}

static long end_step(const struct step *step, long result, int error) {
  if (step->order && step->order->action == KILL_AFTER) {
    note(step, result, error);
    die();
  }
  if (step->order && step->order->action == FAIL_AFTER && result >= 0) {
    result = -1;
    error = step->order->error;
  }
  note(step, result, error);
  errno = error;
  return result;
}

/* Does the call, unless it is to fail instead. */
#define PERFORM(step, doing)                                                         \
  ({                                                                                 \
    long result_ = -1;                                                               \
    int error_ = (step).order ? (step).order->error : 0;                             \
    if (!(step).order || (step).order->action != FAIL) {                             \
      result_ = (long)(doing);                                                       \
      error_ = errno;                                                                \
    }                                                                                \
    end_step(&(step), result_, error_);                                              \
  })

#define ON_PATH(call, path, doing)                                                   \
  ({                                                                                 \
    char full_[PATH_KEPT];                                                           \
    long done_;                                                                      \
    if (!path_counts(path, full_)) {                                                 \
      done_ = (long)(doing);                                                         \
    } else {                                                                         \
      struct step step_ = begin_step(call, -1, full_, NULL);                         \
      done_ = PERFORM(step_, doing);                                                 \
    }                                                                                \
    done_;                                                                           \
  })

#define ON_PATHS(call, from, to, doing)                                              \
  ({                                                                                 \
    char from_[PATH_KEPT], to_[PATH_KEPT];                                           \
    long done_;                                                                      \
    int counts_ = path_counts(from, from_) | path_counts(to, to_);                   \
    if (!counts_) {                                                                  \
      done_ = (long)(doing);                                                         \
    } else {                                                                         \
      struct step step_ = begin_step(call, -1, from_, to_);                          \
      done_ = PERFORM(step_, doing);                                                 \
    }                                                                                \
    done_;                                                                           \
  })

#define ON_FD(call, fd, doing)                                                       \
  ({                                                                                 \
    char full_[PATH_KEPT];                                                           \
    long done_;                                                                      \
    if (!fd_counts(fd, full_)) {                                                     \
      done_ = (long)(doing);                                                         \
    } else {                                                                         \
      struct step step_ = begin_step(call, fd, full_, NULL);                         \
      done_ = PERFORM(step_, doing);                                                 \
    }                                                                                \
    done_;                                                                           \
  })

/* A close that reports trouble has closed all the same. */
static long close_step(int fd, long (*closing)(int)) {
  char full[PATH_KEPT];
  if (!fd_counts(fd, full)) return closing(fd);
  struct step step = begin_step(CLOSE, fd, full, NULL);
  if (step.order && step.order->action == FAIL) step.order->action = FAIL_AFTER;
  return PERFORM(step, closing(fd));
}

/* At most so many bytes for the journal, out of several pieces. */
static size_t gather(unsigned char *to, const struct iovec *pieces, int count, size_t *total) {
  size_t kept = 0;
  *total = 0;
  for (int i = 0; i < count; i++) {
    size_t room = DATA_KEPT - kept, take = pieces[i].iov_len < room ? pieces[i].iov_len : room;
    memcpy(to + kept, pieces[i].iov_base, take);
    kept += take;
    *total += pieces[i].iov_len;
  }
  return kept;
}

static ssize_t write_step(enum call call, int fd, const struct iovec *pieces, int count,
                          ssize_t (*writing)(int, const struct iovec *, int, long), long extra) {
  char full[PATH_KEPT];
  unsigned char data[DATA_KEPT];
  if (!fd_counts(fd, full)) return writing(fd, pieces, count, extra);
  struct step step = begin_step(call, fd, full, NULL);
  gather(data, pieces, count, &step.length);
  step.data = data;
  if (step.order && step.order->action == SHORT) {
    struct iovec half = {pieces[0].iov_base, (pieces[0].iov_len + 1) / 2};
    return PERFORM(step, writing(fd, &half, 1, extra));
  }
  return PERFORM(step, writing(fd, pieces, count, extra));
}

/* --- the C library's functions --- */

static int opening(int (*open_)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  char full[PATH_KEPT];
  if (!path_counts(path, full)) return open_(path, flags, mode);
  struct step step = begin_step(OPEN, flags, full, NULL);
  return (int)PERFORM(step, open_(path, flags, mode));
}

#define MODE_OF(flags)                                                               \
  ({                                                                                 \
    mode_t mode_ = 0;                                                                \
    if ((flags) & O_CREAT) {                                                         \
      va_list rest_;                                                                 \
      va_start(rest_, flags);                                                        \
      mode_ = va_arg(rest_, mode_t);                                                 \
      va_end(rest_);                                                                 \
    }                                                                                \
    mode_;                                                                           \
  })

int open(const char *path, int flags, ...) { return opening(REAL(open), path, flags, MODE_OF(flags)); }
int open64(const char *path, int flags, ...) { return opening(REAL(open64), path, flags, MODE_OF(flags)); }

static ssize_t plain_writing(int fd, const struct iovec *pieces, int count, long extra) {
  (void)extra;
  return count == 1 ? REAL(write)(fd, pieces->iov_base, pieces->iov_len) : REAL(writev)(fd, pieces, count);
}
static ssize_t placed_writing(int fd, const struct iovec *pieces, int count, long at) {
  return REAL(pwritev64)(fd, pieces, count, at);
}
/* libuv guards its signal handling by a byte in a pipe of its own. That write cannot fail on a real system, and where
   it is made to, libuv waits for itself for ever. */
#define LIBUV_LOCK '*'
static int is_pipe(int fd) {
  struct stat it;
  return fstat(fd, &it) == 0 && S_ISFIFO(it.st_mode);
}

ssize_t write(int fd, const void *data, size_t length) {
  if (length == 1 && *(const char *)data == LIBUV_LOCK && is_pipe(fd)) return REAL(write)(fd, data, length);
  struct iovec piece = {(void *)data, length};
  return write_step(WRITE, fd, &piece, 1, plain_writing, 0);
}
ssize_t writev(int fd, const struct iovec *pieces, int count) {
  return write_step(WRITE, fd, pieces, count, plain_writing, 0);
}
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
  struct iovec piece = {(void *)data, length};
  return write_step(WRITE, fd, &piece, 1, placed_writing, at);
}
ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off64_t at) {
  return write_step(WRITE, fd, pieces, count, placed_writing, at);
}

/* Reads are many and tell nothing: they are numbered and may fail, but the journal has only those that do. */
#define READING(kind_, fd, doing)                                                      \
  ({                                                                                 \
    char full_[PATH_KEPT];                                                           \
    struct order *order_ = NULL;                                                     \
    ssize_t done_ = -1;                                                              \
    if (fd_counts(fd, full_)) order_ = due(kind_, table->next);                       \
    if (!order_) {                                                                   \
      done_ = doing;                                                                 \
    } else {                                                                         \
      struct step step_ = {.call = kind_, .path = full_, .order = order_};           \
      step_.number = __atomic_fetch_add(&table->next, 1, __ATOMIC_ACQ_REL);          \
      if (order_->action == KILL_BEFORE) {                                           \
        note(&step_, -1, 0);                                                         \
        die();                                                                       \
      }                                                                              \
      done_ = PERFORM(step_, doing);                                                 \
    }                                                                                \
    done_;                                                                           \
  })

ssize_t read(int fd, void *data, size_t length) {
  if (length == 1 && is_pipe(fd)) return REAL(read)(fd, data, length);
  return READING(READ, fd, REAL(read)(fd, data, length));
}
ssize_t readv(int fd, const struct iovec *to, int count) { return READING(READ, fd, REAL(readv)(fd, to, count)); }
ssize_t pread64(int fd, void *data, size_t length, off64_t at) {
  return READING(READ, fd, REAL(pread64)(fd, data, length, at));
}
ssize_t preadv64(int fd, const struct iovec *to, int count, off64_t at) {
  return READING(READ, fd, REAL(preadv64)(fd, to, count, at));
}
ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  return READING(RECEIVE, fd, REAL(recvmsg)(fd, message, flags));
}

static ssize_t sending(int fd, const struct iovec *pieces, int count, long message) {
  (void)pieces, (void)count;
  return REAL(sendmsg)(fd, (const struct msghdr *)message, MSG_NOSIGNAL);
}
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  (void)flags;
  return write_step(SEND, fd, message->msg_iov, (int)message->msg_iovlen, sending, (long)message);
}

int fsync(int fd) { return (int)ON_FD(FSYNC, fd, REAL(fsync)(fd)); }
int fdatasync(int fd) { return (int)ON_FD(FSYNC, fd, REAL(fdatasync)(fd)); }
int ftruncate64(int fd, off64_t length) { return (int)ON_FD(FTRUNCATE, fd, REAL(ftruncate64)(fd, length)); }
int link(const char *from, const char *to) { return (int)ON_PATHS(LINK, from, to, REAL(link)(from, to)); }
int rename(const char *from, const char *to) { return (int)ON_PATHS(RENAME, from, to, REAL(rename)(from, to)); }
int unlink(const char *path) { return (int)ON_PATH(UNLINK, path, REAL(unlink)(path)); }
int symlink(const char *to, const char *path) { return (int)ON_PATH(SYMLINK, path, REAL(symlink)(to, path)); }
int rmdir(const char *path) { return (int)ON_PATH(RMDIR, path, REAL(rmdir)(path)); }
int mkdir(const char *path, mode_t mode) { return (int)ON_PATH(MKDIR, path, REAL(mkdir)(path, mode)); }

static long plain_close(int fd) { return REAL(close)(fd); }
static long direct_close(int fd) { return REAL(syscall)(SYS_close, fd); }
int close(int fd) { return (int)close_step(fd, plain_close); }

/* libuv closes this way; this file itself comes through here as well, and passes. */
long syscall(long number, ...) {
  static long (*direct)(long, ...);
  if (direct == NULL) direct = (long (*)(long, ...))real("syscall");
  va_list rest;
  va_start(rest, number);
  long a = va_arg(rest, long), b = va_arg(rest, long), c = va_arg(rest, long);
  long d = va_arg(rest, long), e = va_arg(rest, long), f = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_close && table != NULL) return close_step((int)a, direct_close);
  return direct(number, a, b, c, d, e, f);
}

/* Calls without a path or descriptor to judge by: those of our processes count. */
#define ALWAYS(call, doing)                                                          \
  ({                                                                                 \
    long done_;                                                                      \
    if (table == NULL) {                                                             \
      done_ = (long)(doing);                                                         \
    } else {                                                                         \
      struct step step_ = begin_step(call, -1, NULL, NULL);                          \
      done_ = PERFORM(step_, doing);                                                 \
    }                                                                                \
    done_;                                                                           \
  })

pid_t fork(void) {
  if (table == NULL) return REAL(fork)();
  struct order *order = due(FORK, table->next);
  if (order == NULL) return REAL(fork)();
  struct step step = {.call = FORK, .order = order, .fd = -1};
  step.number = __atomic_fetch_add(&table->next, 1, __ATOMIC_ACQ_REL);
  note(&step, -1, order->error);
  if (order->action >= KILL_BEFORE) die();
  errno = order->error;
  return -1;
}
int accept4(int fd, struct sockaddr *from, socklen_t *length, int flags) {
  return (int)READING(DESCRIPTOR, fd, REAL(accept4)(fd, from, length, flags));
}
int socket(int domain, int type, int protocol) {
  return (int)ALWAYS(DESCRIPTOR, REAL(socket)(domain, type, protocol));
}
int socketpair(int domain, int type, int protocol, int fds[2]) {
  return (int)ALWAYS(DESCRIPTOR, REAL(socketpair)(domain, type, protocol, fds));
}
int pipe2(int fds[2], int flags) { return (int)ALWAYS(DESCRIPTOR, REAL(pipe2)(fds, flags)); }
int connect(int fd, const struct sockaddr *to, socklen_t length) {
  return (int)ON_FD(CONNECT, fd, REAL(connect)(fd, to, length));
}

/* The environments that our programs make for their children do not have this library in them. */
static char **with_us(char *const env[], char **room) {
  int n = 0;
  for (int i = 0; env && env[i]; i++)
    if (strncmp(env[i], "LD_PRELOAD=", 11) != 0 && strncmp(env[i], "FAULT_ORDERS=", 13) != 0) room[n++] = env[i];
  room[n++] = preload;
  room[n++] = file_of_orders;
  room[n] = NULL;
  return room;
}
static size_t count(char *const env[]) {
  size_t n = 0;
  while (env && env[n]) n++;
  return n;
}
int execve(const char *path, char *const argv[], char *const env[]) {
  if (preload[0] == 0) return REAL(execve)(path, argv, env);
  char *room[count(env) + 3];
  return (int)ALWAYS(EXEC, REAL(execve)(path, argv, with_us(env, room)));
}
int execvp(const char *file, char *const argv[]) {
  if (preload[0] == 0) return REAL(execvp)(file, argv);
  char *room[count(environ) + 3];
  return (int)ALWAYS(EXEC, REAL(execvpe)(file, argv, with_us(environ, room)));
}
