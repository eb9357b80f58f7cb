// Makes a server's disk slow: preloaded into PostgreSQL, it delays fdatasync and fsync by the milliseconds that the
// file named in CARILLON_SLOW_DISK holds at that moment.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_as_told(void) {
  const char *path = getenv("CARILLON_SLOW_DISK");
  if (!path) return;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  char text[16] = {0};
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length > 0) usleep((useconds_t)atoi(text) * 1000);
}

int fdatasync(int file) {
  wait_as_told();
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return next(file);
}

int fsync(int file) {
  wait_as_told();
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return next(file);
}
