#pragma once
// First, so that every C module sees libc with the same feature macros (some of these headers define _GNU_SOURCE).
#include <features.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/util.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

// Swift's Glibc module has no <sys/eventfd.h>.
static inline int carillon_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

// Names the calling thread; the kernel keeps 15 bytes.
static inline void carillon_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

#include <sys/socket.h>
#include <netinet/in.h>
#include <fcntl.h>

// Constants and calls of <sys/socket.h> that Swift sees under changing types, or not at all.
int accept4(int, struct sockaddr *, socklen_t *, int);
static inline int carillon_socket(int family) {
  return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}
static inline int carillon_accept(int listener, struct sockaddr *address, socklen_t *length) {
  return accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
static inline ssize_t carillon_send(int descriptor, const void *bytes, size_t count) {
  return send(descriptor, bytes, count, MSG_NOSIGNAL);
}
// Bind to an address and let connect() choose the port: ports are then shared between destinations.
static inline int carillon_bind_without_port(int descriptor, const struct sockaddr *address, socklen_t length) {
  int on = 1;
  setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  return bind(descriptor, address, length);
}
