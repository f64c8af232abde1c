/* SPDX-License-Identifier: Apache-2.0 */
/* Linux calls that Glibc's module map leaves out. */
#ifndef SIDEGATE_CEPOLL_SHIM_H
#define SIDEGATE_CEPOLL_SHIM_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/types.h>

static inline int sidegate_epoll_ctl(int set, int operation, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event;
    event.events = events;
    event.data.u64 = token;
    return epoll_ctl(set, operation, descriptor, &event);
}

static inline uint64_t sidegate_epoll_token(const struct epoll_event *event) { return event->data.u64; }

/* The EPOLL constants are an enumeration, which Swift sees as something else than an integer. */
static const uint32_t sidegate_epoll_readable = EPOLLIN;
static const uint32_t sidegate_epoll_writable = EPOLLOUT;
static const uint32_t sidegate_epoll_peer_closed = EPOLLRDHUP;
static const uint32_t sidegate_epoll_failed = EPOLLERR | EPOLLHUP;
static const uint32_t sidegate_epoll_edge = EPOLLET;

static inline int sidegate_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }
static inline int sidegate_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

/* Hides behind _GNU_SOURCE, which another header may have been read without. */
struct sockaddr;
extern int accept4(int, struct sockaddr *, unsigned int *, int);
static inline int sidegate_accept(int listener, void *address, unsigned int *length) {
    return accept4(listener, (struct sockaddr *)address, length, 04000 /* SOCK_NONBLOCK */ | 02000000 /* SOCK_CLOEXEC */);
}

/* The same is true of pipe2 and splice. */
extern int pipe2(int *, int);
extern __ssize_t splice(int, __off64_t *, int, __off64_t *, size_t, unsigned int);
static inline int sidegate_pipe(int *reading, int *writing) {
    int ends[2];
    if (pipe2(ends, 04000 /* O_NONBLOCK */ | 02000000 /* O_CLOEXEC */) != 0) return -1;
    *reading = ends[0];
    *writing = ends[1];
    return 0;
}

/* The capacity that the pipe has after the attempt to change it. */
static inline int sidegate_pipe_capacity(int pipe, int wanted) {
    int capacity = fcntl(pipe, 1031 /* F_SETPIPE_SZ */, wanted);
    return capacity >= 0 ? capacity : fcntl(pipe, 1032 /* F_GETPIPE_SZ */);
}

static inline ssize_t sidegate_splice(int from, int to, size_t count) {
    return splice(from, NULL, to, NULL, count, 1 /* SPLICE_F_MOVE */ | 2 /* SPLICE_F_NONBLOCK */);
}

#endif
