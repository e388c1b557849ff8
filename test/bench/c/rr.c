/*
 * Request and response over TCP, one byte each. `rr serve PORT` answers one connection after the other;
 * `rr ask ADDRESS PORT SECONDS` prints how many exchanges a second there were.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static int prompt(int fd) {
  int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return fd;
}

static void serve(struct sockaddr_in *at) {
  char byte;
  int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(fd, (struct sockaddr *)at, sizeof *at) < 0 || listen(fd, 8) < 0) die("listen");
  for (;;) {
    int client = prompt(accept(fd, NULL, NULL));
    while (read(client, &byte, 1) == 1 && write(client, &byte, 1) == 1) {
    }
    close(client);
  }
}

static void ask(struct sockaddr_in *to, double seconds) {
  char byte = 0;
  long count = 0;
  int fd = prompt(socket(AF_INET, SOCK_STREAM, 0));
  if (connect(fd, (struct sockaddr *)to, sizeof *to) < 0) die("connect");
  double began = now(), end = began + seconds;
  for (; now() < end; count++)
    if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1) die("exchange");
  printf("%.0f\n", count / (now() - began));
}

int main(int argc, char **argv) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  if (argc == 3 && strcmp(argv[1], "serve") == 0) {
    address.sin_port = htons(atoi(argv[2]));
    serve(&address);
  } else if (argc == 5 && strcmp(argv[1], "ask") == 0) {
    address.sin_addr.s_addr = inet_addr(argv[2]);
    address.sin_port = htons(atoi(argv[3]));
    ask(&address, atof(argv[4]));
  } else {
    fprintf(stderr, "usage: rr serve PORT | rr ask ADDRESS PORT SECONDS\n");
    return 2;
  }
}
