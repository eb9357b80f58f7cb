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
