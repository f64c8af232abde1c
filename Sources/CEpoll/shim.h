/* SPDX-License-Identifier: Apache-2.0 */
/* Linux calls that Glibc's module map leaves out. */
#ifndef SIDEGATE_CEPOLL_SHIM_H
#define SIDEGATE_CEPOLL_SHIM_H

#define _GNU_SOURCE 1
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Declared here because accept4 hides behind _GNU_SOURCE, which another header may have been read without. */
extern int accept4(int, struct sockaddr *, socklen_t *, int);

static inline int sidegate_epoll_ctl(int set, int operation, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event;
    event.events = events;
    event.data.u64 = token;
    return epoll_ctl(set, operation, descriptor, &event);
}

static inline uint64_t sidegate_epoll_token(const struct epoll_event *event) { return event->data.u64; }

#endif
