#pragma once
// First, so that every C module sees libc with the same feature macros (some of these headers define _GNU_SOURCE).
#include <features.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

// Swift's Glibc module has no <sys/eventfd.h>.
static inline int carillon_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

// Names the calling thread; the kernel keeps 15 bytes.
static inline void carillon_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
