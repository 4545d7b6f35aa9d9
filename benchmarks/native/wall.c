// The limit of what a fan-out server can do here: one thread that only writes frames.
//
// Accepts WebSocket clients, reads the symbols out of what each sends, and from SIGUSR1 on makes the ticks of
// benchmarks/_fanout_ticks.py at a fixed rate, each as the very bytes in which our hub sends it, built once. It
// numbers nothing, keeps nothing, and knows nothing of slow clients: it drops what does not fit into their buffer.
//
//     wall --mode immediate|coalesced [--rate 5000] [--universe 500] [--flush-us 10000] [--seconds 60]
//     wall --print 10 --rate 5000 --start-ns 1790000000000000000      # print the first frames and end
//
// immediate: one write() per tick and subscriber. coalesced: one write() per client and flush.
// Prints its port, ends by itself after --seconds.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 1 << 16, BUFFER_BYTES = 1 << 16, FRAME_BYTES = 256, EVENTS = 256 };

struct client {
    int fd, upgraded;
    size_t waiting;  // bytes in `buffer`
    char *buffer;    // made when it is needed first
};
static struct client *clients[CLIENTS_MAX];  // by file descriptor
static int *subscribers[CLIENTS_MAX], subscriber_count[CLIENTS_MAX], subscriber_room[CLIENTS_MAX];  // by symbol
static int *dirty, dirty_count, immediate, universe = 500;
static int64_t rate = 5000, flush_us = 10000;
static uint64_t dropped;
static volatile sig_atomic_t going;

static void begin(int number) { (void)number; going = 1; }
static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// Tick number i, from 0 on, as a whole frame; returns its size.
static size_t make_frame(char *frame, int64_t i, int64_t start_ns) {
    char text[FRAME_BYTES], *at = text;
    int64_t due_ns = start_ns + i * 1000000000 / rate, cents = 10000 + i % 50 * 100 + i % 100;
    at += sprintf(at, "[{\"op\":\"t\",\"c\":\"t:S%04d\",\"n\":%lld,\"px\":%lld", (int)(i * 7919 % universe),
                  (long long)(i / universe + 1), (long long)cents / 100);
    if (cents % 10) at += sprintf(at, ".%02d", (int)(cents % 100));
    else if (cents % 100) at += sprintf(at, ".%d", (int)(cents % 100 / 10));
    at += sprintf(at, ",\"sz\":%d,\"ts\":%lld", (int)(1 + i % 900), (long long)due_ns / 1000);
    if (due_ns % 1000) at += sprintf(at, ",\"tn\":%d", (int)(due_ns % 1000));
    at += sprintf(at, ",\"src\":\"sim\",\"ve\":\"V\",\"id\":%lld,\"el\":2047}]", (long long)i + 1);
    size_t size = at - text, head = size < 126 ? 2 : 4;
    frame[0] = (char)0x81;
    if (head == 2) frame[1] = (char)size;
    else { frame[1] = 126; frame[2] = (char)(size >> 8); frame[3] = (char)size; }
    memcpy(frame + head, text, size);
    return head + size;
}

static void keep(struct client *c, const char *data, size_t size) {
    if (!c->buffer) c->buffer = malloc(BUFFER_BYTES);
    if (c->waiting + size > BUFFER_BYTES) { dropped++; return; }
    if (!c->waiting) dirty[dirty_count++] = c->fd;
    memcpy(c->buffer + c->waiting, data, size);
    c->waiting += size;
}
static void give(struct client *c, const char *data, size_t size) {
    if (!immediate || c->waiting) { keep(c, data, size); return; }
    ssize_t written = write(c->fd, data, size);
    if (written < 0) written = 0;
    if ((size_t)written < size) keep(c, data + written, size - written);
}
static void flush(void) {
    int count = dirty_count;
    dirty_count = 0;
    for (int i = 0; i < count; i++) {
        struct client *c = clients[dirty[i]];
        if (!c) continue;
        ssize_t written = write(c->fd, c->buffer, c->waiting);
        if (written < 0) written = 0;
        c->waiting -= written;
        if (!c->waiting) continue;
        memmove(c->buffer, c->buffer + written, c->waiting);
        dirty[dirty_count++] = c->fd;
    }
}

static void take_subscriptions(int fd, const char *text, ssize_t size) {
    for (ssize_t i = 0; i + 6 < size; i++) {
        if (text[i] != '"' || text[i + 1] != 'S' || text[i + 6] != '"') continue;
        int symbol = atoi(text + i + 2);
        if (symbol >= universe) continue;
        if (subscriber_count[symbol] == subscriber_room[symbol]) {
            subscriber_room[symbol] = subscriber_room[symbol] * 2 + 8;
            subscribers[symbol] = realloc(subscribers[symbol], subscriber_room[symbol] * sizeof(int));
        }
        subscribers[symbol][subscriber_count[symbol]++] = fd;
    }
}
static void leave(int fd) {
    for (int s = 0; s < universe; s++)
        for (int i = 0; i < subscriber_count[s]; i++)
            if (subscribers[s][i] == fd) subscribers[s][i--] = subscribers[s][--subscriber_count[s]];
    free(clients[fd]->buffer);
    free(clients[fd]);
    clients[fd] = NULL;
    close(fd);
}
static void read_from(int fd) {
    static char text[1 << 16];
    ssize_t got = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) { leave(fd); return; }
    if (got < 0) return;
    if (clients[fd]->upgraded) { take_subscriptions(fd, text, got); return; }
    // Our client sends its request in one piece, and always with the same key.
    const char *answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    if (write(fd, answer, strlen(answer)) > 0) clients[fd]->upgraded = 1;
}
static void accept_one(int poller, int listener) {
    int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0 || fd >= CLIENTS_MAX) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    clients[fd] = calloc(1, sizeof **clients);
    clients[fd]->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}
static int listen_anywhere(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (void *)&address, size) < 0 || listen(fd, 4096) < 0) { perror("listen"); exit(2); }
    getsockname(fd, (void *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void make_due_ticks(int64_t *made, int64_t start_ns) {
    char frame[FRAME_BYTES];
    int64_t due = (now_ns() - start_ns) * rate / 1000000000 + 1;
    for (; *made < due; ++*made) {
        size_t size = make_frame(frame, *made, start_ns);
        int symbol = *made * 7919 % universe;
        for (int i = 0; i < subscriber_count[symbol]; i++) give(clients[subscribers[symbol][i]], frame, size);
    }
}
static void run(void) {
    int listener = listen_anywhere(), poller = epoll_create1(0);
    int64_t made = 0, start_ns = 0, flushed_ns = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS, going ? 1 : 100);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listener) accept_one(poller, listener);
            else read_from(events[i].data.fd);
        }
        if (!going) continue;
        if (!start_ns) start_ns = flushed_ns = now_ns();
        make_due_ticks(&made, start_ns);
        if (!immediate && now_ns() - flushed_ns < flush_us * 1000) continue;
        flushed_ns += flush_us * 1000;
        if (flushed_ns < now_ns() - flush_us * 1000) flushed_ns = now_ns();  // it took longer than that
        flush();
    }
}
static void print_frames(int count, int64_t start_ns) {
    char frame[FRAME_BYTES];
    for (int i = 0; i < count; i++) fwrite(frame, 1, make_frame(frame, i, start_ns), stdout);
}

int main(int count, char **words) {
    int64_t start_ns = 0;
    int print = 0, seconds = 60;
    for (int i = 1; i + 1 < count; i += 2) {
        const char *key = words[i], *value = words[i + 1];
        if (!strcmp(key, "--mode")) immediate = !strcmp(value, "immediate");
        else if (!strcmp(key, "--rate")) rate = atoll(value);
        else if (!strcmp(key, "--universe")) universe = atoi(value);
        else if (!strcmp(key, "--flush-us")) flush_us = atoll(value);
        else if (!strcmp(key, "--seconds")) seconds = atoi(value);
        else if (!strcmp(key, "--start-ns")) start_ns = atoll(value);
        else if (!strcmp(key, "--print")) print = atoi(value);
        else { fprintf(stderr, "unknown option %s\n", key); return 2; }
    }
    if (rate < 1 || universe < 1 || universe > 10000) { fprintf(stderr, "refusing: over the bounds\n"); return 2; }
    if (print) { print_frames(print, start_ns); return 0; }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, begin);
    alarm(seconds);
    dirty = calloc(CLIENTS_MAX, sizeof *dirty);
    run();
}
