/*
 * The floor: the kernel work of one endpoint by raw netlink, with nothing around it. For each line on standard input,
 * "NAMESPACE-FILE HOST-INTERFACE INTERFACE MAC ADDRESS", it makes the veth pair, its addresses, routes and permanent
 * neighbours on both sides, and prints the microseconds that took, sockets included.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct batch {
  char data[4096];
  int length;
  struct nlmsghdr *last;
};

static const unsigned char host_mac[6] = {0xee, 0xee, 0xee, 0xee, 0xee, 0xee};

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void *grow(struct batch *b, int size) {
  void *at = b->data + b->length;
  memset(at, 0, NLMSG_ALIGN(size));
  b->length += NLMSG_ALIGN(size);
  return at;
}

static void *begin(struct batch *b, int type, int flags, int size) {
  b->last = grow(b, NLMSG_HDRLEN);
  b->last->nlmsg_type = type;
  b->last->nlmsg_flags = NLM_F_REQUEST | flags;
  return grow(b, size);
}

static void finish(struct batch *b) { b->last->nlmsg_len = b->data + b->length - (char *)b->last; }

static struct rtattr *attribute(struct batch *b, int type, const void *value, int size) {
  struct rtattr *at = grow(b, RTA_LENGTH(size));
  at->rta_type = type;
  at->rta_len = RTA_LENGTH(size);
  if (size > 0) memcpy(RTA_DATA(at), value, size);
  return at;
}

static void close_nest(struct batch *b, struct rtattr *nest) { nest->rta_len = b->data + b->length - (char *)nest; }

static void u32(struct batch *b, int type, unsigned value) { attribute(b, type, &value, 4); }

static int open_socket(void) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) die("socket");
  return fd;
}

/* Sends all of it, and waits for the one answer. */
static void commit(int fd, struct batch *b) {
  char reply[8192];
  b->last->nlmsg_flags |= NLM_F_ACK;
  if (send(fd, b->data, b->length, 0) != b->length) die("send");
  if (recv(fd, reply, sizeof reply, 0) < 0) die("recv");
  struct nlmsghdr *answer = (struct nlmsghdr *)reply;
  int error = answer->nlmsg_type == NLMSG_ERROR ? ((struct nlmsgerr *)NLMSG_DATA(answer))->error : 0;
  if (error != 0) {
    fprintf(stderr, "refused: %s\n", strerror(-error));
    exit(1);
  }
  b->length = 0;
}

static int index_of(int fd, const char *name) {
  struct batch b = {.length = 0};
  char reply[8192];
  begin(&b, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
  attribute(&b, IFLA_IFNAME, name, strlen(name) + 1);
  finish(&b);
  if (send(fd, b.data, b.length, 0) != b.length || recv(fd, reply, sizeof reply, 0) < 0) die("getlink");
  return ((struct ifinfomsg *)NLMSG_DATA((struct nlmsghdr *)reply))->ifi_index;
}

static void one_end(struct batch *b, const char *name, const unsigned char *mac) {
  attribute(b, IFLA_IFNAME, name, strlen(name) + 1);
  attribute(b, IFLA_ADDRESS, mac, 6);
  u32(b, IFLA_MTU, 1500);
  u32(b, IFLA_NUM_TX_QUEUES, 1);
  u32(b, IFLA_NUM_RX_QUEUES, 1);
}

static void link_up(struct batch *b, int index) {
  struct ifinfomsg *link = begin(b, RTM_NEWLINK, 0, sizeof *link);
  link->ifi_index = index;
  link->ifi_flags = link->ifi_change = IFF_UP;
  finish(b);
}

/* Keeps IPv6 from giving the interface a link-local address. */
static void no_link_local(struct batch *b, int index) {
  unsigned char mode = IN6_ADDR_GEN_MODE_NONE;
  struct ifinfomsg *link = begin(b, RTM_NEWLINK, 0, sizeof *link);
  link->ifi_index = index;
  struct rtattr *spec = attribute(b, IFLA_AF_SPEC, NULL, 0);
  struct rtattr *inet6 = attribute(b, AF_INET6, NULL, 0);
  attribute(b, IFLA_INET6_ADDR_GEN_MODE, &mode, 1);
  close_nest(b, inet6);
  close_nest(b, spec);
  finish(b);
}

static void neighbour(struct batch *b, int index, in_addr_t address, const unsigned char *mac) {
  struct ndmsg *entry = begin(b, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof *entry);
  entry->ndm_family = AF_INET;
  entry->ndm_ifindex = index;
  entry->ndm_state = NUD_PERMANENT;
  attribute(b, NDA_DST, &address, 4);
  attribute(b, NDA_LLADDR, mac, 6);
  finish(b);
}

static void route(struct batch *b, int index, in_addr_t to, int length, in_addr_t gateway) {
  struct rtmsg *entry = begin(b, RTM_NEWROUTE, NLM_F_CREATE, sizeof *entry);
  entry->rtm_family = AF_INET;
  entry->rtm_dst_len = length;
  entry->rtm_table = RT_TABLE_MAIN;
  entry->rtm_protocol = RTPROT_STATIC;
  entry->rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  entry->rtm_type = RTN_UNICAST;
  entry->rtm_flags = gateway ? RTNH_F_ONLINK : 0;
  if (length > 0) attribute(b, RTA_DST, &to, 4);
  if (gateway) attribute(b, RTA_GATEWAY, &gateway, 4);
  u32(b, RTA_OIF, index);
  finish(b);
}

static void address_on(struct batch *b, int index, in_addr_t address) {
  struct ifaddrmsg *entry = begin(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof *entry);
  entry->ifa_family = AF_INET;
  entry->ifa_prefixlen = 32;
  entry->ifa_index = index;
  attribute(b, IFA_LOCAL, &address, 4);
  attribute(b, IFA_ADDRESS, &address, 4);
  finish(b);
}

static void make_pair(int fd, int namespace, const char *host, const char *peer, const unsigned char *mac) {
  struct batch b = {.length = 0};
  struct ifinfomsg *link = begin(&b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof *link);
  link->ifi_flags = link->ifi_change = IFF_UP;
  one_end(&b, host, host_mac);
  struct rtattr *info = attribute(&b, IFLA_LINKINFO, NULL, 0);
  attribute(&b, IFLA_INFO_KIND, "veth", 4);
  struct rtattr *data = attribute(&b, IFLA_INFO_DATA, NULL, 0);
  struct rtattr *other = attribute(&b, VETH_INFO_PEER, NULL, 0);
  grow(&b, sizeof(struct ifinfomsg));
  one_end(&b, peer, mac);
  u32(&b, IFLA_NET_NS_FD, namespace);
  close_nest(&b, other);
  close_nest(&b, data);
  close_nest(&b, info);
  finish(&b);
  commit(fd, &b);
}

static void plumb(int home, const char *path, const char *host, const char *peer, const unsigned char *mac,
                  in_addr_t address) {
  in_addr_t next_hop = inet_addr("169.254.1.1");
  int namespace = open(path, O_RDONLY | O_CLOEXEC);
  if (namespace < 0) die(path);
  int outside = open_socket();
  if (setns(namespace, CLONE_NEWNET) < 0) die("setns");
  int inside = open_socket();
  if (setns(home, CLONE_NEWNET) < 0) die("setns");
  make_pair(outside, namespace, host, peer, mac);
  int host_index = index_of(outside, host), peer_index = index_of(inside, peer);

  struct batch b = {.length = 0};
  no_link_local(&b, peer_index);
  link_up(&b, 1);
  link_up(&b, peer_index);
  address_on(&b, peer_index, address);
  neighbour(&b, peer_index, next_hop, host_mac);
  route(&b, peer_index, 0, 0, next_hop);
  commit(inside, &b);

  no_link_local(&b, host_index);
  neighbour(&b, host_index, address, mac);
  route(&b, host_index, address, 32, 0);
  commit(outside, &b);
  close(inside);
  close(outside);
  close(namespace);
}

int main(void) {
  int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  char path[256], host[16], peer[16], text[32];
  unsigned char m[6];
  while (scanf("%255s %15s %15s %hhx:%hhx:%hhx:%hhx:%hhx:%hhx %31s", path, host, peer, m, m + 1, m + 2, m + 3, m + 4,
               m + 5, text) == 10) {
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    plumb(home, path, host, peer, m, inet_addr(text));
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%.1f\n", (to.tv_sec - from.tv_sec) * 1e6 + (to.tv_nsec - from.tv_nsec) / 1e3);
    fflush(stdout);
  }
}
