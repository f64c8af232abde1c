/* SPDX-License-Identifier: Apache-2.0 */
/* Linux calls that Glibc's module map leaves out. */
#ifndef SIDEGATE_CEPOLL_SHIM_H
#define SIDEGATE_CEPOLL_SHIM_H

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

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

#endif
