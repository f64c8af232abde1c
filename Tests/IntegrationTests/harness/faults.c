// SPDX-License-Identifier: Apache-2.0
// To be preloaded: makes chosen system calls of one process fail, or transfer a single byte, as the table in the file that
// FAULTS_FILE names says. The table may change at any time.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct row {
    _Atomic long error; // the value of errno; SHORT: one byte is transferred; 0: nothing
    _Atomic long first; // the number of the call at which it begins
    _Atomic long every; // 1: each call, 2: every other call, ...
    _Atomic long left;  // how often
    _Atomic long calls; // made so far
    _Atomic long faults;
};

enum { RECV, SEND, SENDMSG, ACCEPT4, CONNECT, SOCKET, EPOLL_WAIT, EPOLL_CTL, GETSOCKOPT, SETSOCKOPT, OPEN, FDATASYNC, ROWS };
enum { SHORT = -1 };

enum { FILES = 65536 };

static struct row *rows;
// What each file is watched for, and by which epoll instance.
static struct {
    int epoll;
    struct epoll_event event;
} watches[FILES];

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS_FILE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) abort();
    void *memory = mmap(NULL, ROWS * sizeof *rows, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) abort();
    rows = memory;
    close(file);
}

// What happens to this call: 0, SHORT or an error.
static long fault(int number) {
    if (!rows) return 0;
    struct row *row = &rows[number];
    long call = atomic_fetch_add(&row->calls, 1), error = atomic_load(&row->error);
    long since = call - atomic_load(&row->first), every = atomic_load(&row->every);
    if (!error || since < 0 || every < 1 || since % every) return 0;
    if (atomic_fetch_sub(&row->left, 1) <= 0) return 0;
    atomic_fetch_add(&row->faults, 1);
    return error;
}

#define FAIL(number)                    \
    long error = fault(number);         \
    if (error > 0) {                    \
        errno = (int)error;             \
        return -1;                      \
    }

// Has the event reported again that the kernel reports once for the bytes which this call leaves, as if they had arrived later.
static void repeat(int file) {
    int before = errno;
    if (file >= 0 && file < FILES && watches[file].epoll > 0)
        syscall(SYS_epoll_ctl, watches[file].epoll, EPOLL_CTL_MOD, file, &watches[file].event);
    errno = before;
}

ssize_t recv(int file, void *bytes, size_t count, int flags) {
    long error = fault(RECV);
    if (error == 0 || count == 0) return syscall(SYS_recvfrom, file, bytes, count, flags, NULL, NULL);
    ssize_t result = -1;
    if (error == SHORT) result = syscall(SYS_recvfrom, file, bytes, 1, flags, NULL, NULL);
    else errno = (int)error;
    if (error == SHORT || error == EAGAIN) repeat(file);
    return result;
}

ssize_t send(int file, const void *bytes, size_t count, int flags) {
    FAIL(SEND)
    return syscall(SYS_sendto, file, bytes, error == SHORT && count ? 1 : count, flags, NULL, 0);
}

ssize_t sendmsg(int file, const struct msghdr *message, int flags) {
    FAIL(SENDMSG)
    if (error == SHORT)
        for (size_t i = 0; i < message->msg_iovlen; i++)
            if (message->msg_iov[i].iov_len) return syscall(SYS_sendto, file, message->msg_iov[i].iov_base, 1, flags, NULL, 0);
    return syscall(SYS_sendmsg, file, message, flags);
}

int accept4(int file, struct sockaddr *address, socklen_t *length, int flags) {
    long error = fault(ACCEPT4);
    if (error > 0) {
        errno = (int)error;
        if (error == EAGAIN) repeat(file);
        return -1;
    }
    return (int)syscall(SYS_accept4, file, address, length, flags);
}

int connect(int file, const struct sockaddr *address, socklen_t length) {
    FAIL(CONNECT)
    return (int)syscall(SYS_connect, file, address, length);
}

int socket(int family, int type, int protocol) {
    FAIL(SOCKET)
    return (int)syscall(SYS_socket, family, type, protocol);
}

int epoll_wait(int file, struct epoll_event *events, int count, int timeout) {
    FAIL(EPOLL_WAIT)
    return (int)syscall(SYS_epoll_wait, file, events, error == SHORT ? 1 : count, timeout);
}

int epoll_ctl(int file, int operation, int other, struct epoll_event *event) {
    // Deletion does not fail; nor is it the business of the program what libdispatch does, which is not edge-triggered.
    if (operation != EPOLL_CTL_DEL && event && event->events & EPOLLET) {
        FAIL(EPOLL_CTL)
    }
    if (other >= 0 && other < FILES) {
        watches[other].epoll = operation == EPOLL_CTL_DEL ? 0 : file;
        if (event) watches[other].event = *event;
    }
    return (int)syscall(SYS_epoll_ctl, file, operation, other, event);
}

int getsockopt(int file, int level, int name, void *value, socklen_t *length) {
    FAIL(GETSOCKOPT)
    return (int)syscall(SYS_getsockopt, file, level, name, value, length);
}

int setsockopt(int file, int level, int name, const void *value, socklen_t length) {
    FAIL(SETSOCKOPT)
    return (int)syscall(SYS_setsockopt, file, level, name, value, length);
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, int) : 0;
    va_end(arguments);
    FAIL(OPEN)
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int fdatasync(int file) {
    FAIL(FDATASYNC)
    return (int)syscall(SYS_fdatasync, file);
}
