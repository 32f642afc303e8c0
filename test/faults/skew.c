/*
 * Another wall clock for one process, by LD_PRELOAD: CLOCK_REALTIME plus an offset.
 *
 * The offset, signed microseconds in 8 bytes, stands in the file named by QUORATE_SKEW_FILE, which
 * is mapped into memory: who writes there moves the clock of the running process. The monotonic
 * clock is left alone, as it is when somebody sets the time of a machine.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset_us;

__attribute__((constructor)) static void map_offset(void) {
  const char *path = getenv("QUORATE_SKEW_FILE");
  int file = path == NULL ? -1 : open(path, O_RDONLY);
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) offset_us = mapped;
  close(file);
}

static int64_t wall_ns(void) {
  struct timespec real;
  /* The system call itself: the library's function would be ours again. */
  syscall(SYS_clock_gettime, CLOCK_REALTIME, &real);
  int64_t shift_us = offset_us == NULL ? 0 : *offset_us;
  return (int64_t)real.tv_sec * 1000000000 + real.tv_nsec + shift_us * 1000;
}

int clock_gettime(clockid_t clock, struct timespec *result) {
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
    return (int)syscall(SYS_clock_gettime, clock, result);
  int64_t now = wall_ns();
  result->tv_sec = now / 1000000000;
  result->tv_nsec = now % 1000000000;
  return 0;
}

int gettimeofday(struct timeval *restrict result, void *restrict zone) {
  (void)zone;
  int64_t now = wall_ns();
  result->tv_sec = now / 1000000000;
  result->tv_usec = now % 1000000000 / 1000;
  return 0;
}

time_t time(time_t *result) {
  time_t now = (time_t)(wall_ns() / 1000000000);
  if (result != NULL) *result = now;
  return now;
}
