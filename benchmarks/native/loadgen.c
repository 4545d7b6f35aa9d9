// The load generator of the fan-out benchmark: many WebSocket clients in one epoll thread.
//
// Opens connections to 127.0.0.1, subscribes each to some symbols of a universe, and takes everything it is sent.
// A delivery is one tick seen by one connection, however many ticks share a frame or a segment. Of each tick it
// reads the channel and the number, so a tick that is lost or told twice is noticed; and the time at which it was
// due (`ts`, us), so a server that falls behind shows it as latency. Over the same time it samples the server's
// processor time, memory and write calls from /proc. Prints one JSON line.
//
//     loadgen --port P [--protocol native|centrifuge] [--connections 1000] [--subscriptions 10] [--universe 500]
//             [--shared 0] [--symbols A,B,…] [--kinds t] [--hz 0] [--warm-seconds 1] [--seconds 4] [--pid PID]
//             [--signal 1] [--spin 1]
//
// --shared 10 makes ten different lists of symbols, 0 one for each connection. --hz 0 asks for every tick. --signal 1 sends SIGUSR1 to PID when all have subscribed. --spin 1 polls without ever
// sleeping: then the server's write does not pay for waking us (a remote client would not be paid for either).
// Refuses more than 20,000 connections and 120 s, and ends by itself.
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 20000, SECONDS_MAX = 120, CONNECTING_MAX = 100, EVENTS = 1024 };
enum { READ_BYTES = 1 << 18, HELD_BYTES_MAX = 1 << 20, NAMES = 1 << 14, NAME_BYTES = 16 };

struct options {
    int port, centrifuge, connections, subscriptions, universe, shared, pid, signal, spin;
    double hz, warm_seconds, seconds;
    const char *kinds;
    char *symbols;
};
static struct options given = {
    .port = 9000, .connections = 1000, .subscriptions = 10, .universe = 500, .warm_seconds = 1, .seconds = 4,
    .kinds = "t",
};

struct connection {
    int fd;            // -1: it has ended
    int upgraded;
    char *held;        // the beginning of a frame whose end has not come yet
    size_t held_bytes;
    uint32_t *last_n;  // by subscription and kind; 0 = nothing yet
    uint64_t taken;    // deliveries
};
static struct connection *connections;
static int poller, upgraded, measuring;
static uint64_t deliveries, updates, holes, repeats, strangers, controls, errors, lost, frames, reads, bytes;

// -- clocks and the latency histogram ----------------------------------------------------------

static int64_t wall_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}
static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

enum { PARTS = 32, PART_BITS = 5 };  // of each power of two: 3 % resolution
static uint64_t histogram[64 * PARTS], latest_us;
static void note_latency(int64_t us) {
    uint64_t v = us < 0 ? 0 : (uint64_t)us;
    if (v > latest_us) latest_us = v;
    int power = v < PARTS ? 0 : 63 - __builtin_clzll(v) - PART_BITS + 1;
    histogram[v < PARTS ? v : (uint64_t)power * PARTS + ((v >> (power - 1)) & (PARTS - 1))]++;
}
static double latency_ms(double quantile) {
    uint64_t all = 0, seen = 0;
    for (int i = 0; i < 64 * PARTS; i++) all += histogram[i];
    if (!all) return -1;
    for (int i = 0; i < 64 * PARTS; i++) {
        seen += histogram[i];
        if (seen < quantile * all) continue;
        if (i < PARTS) return i / 1e3;
        int power = i / PARTS;
        return (((uint64_t)(PARTS + i % PARTS) << (power - 1)) + (1ULL << (power - 1)) / 2.0) / 1e3;
    }
    return latest_us / 1e3;
}

// -- symbols: S0000, S0001, … or a list of names --------------------------------------------------

static char (*names)[NAME_BYTES];
static int16_t places[NAMES];  // hash → index into names + 1
static unsigned hash_of(const char *name, size_t size) {
    unsigned h = 2166136261u;
    for (size_t i = 0; i < size; i++) h = (h ^ (unsigned char)name[i]) * 16777619u;
    return h % NAMES;
}
static void name_symbols(void) {
    names = calloc(given.universe, sizeof *names);
    char *rest = given.symbols;
    for (int i = 0; i < given.universe; i++) {
        const char *name = rest ? strsep(&rest, ",") : NULL;
        if (name) snprintf(names[i], NAME_BYTES, "%s", name);
        else snprintf(names[i], NAME_BYTES, "S%04d", i);
        unsigned at = hash_of(names[i], strlen(names[i]));
        while (places[at]) at = (at + 1) % NAMES;
        places[at] = i + 1;
    }
}
static int symbol_of(const char *name, size_t size) {
    for (unsigned at = hash_of(name, size); places[at]; at = (at + 1) % NAMES) {
        const char *found = names[places[at] - 1];
        if (!strncmp(found, name, size) && !found[size]) return places[at] - 1;
    }
    return -1;
}
static int stride(void) { return given.universe / given.subscriptions; }

// The symbols of a connection: one out of each stretch of the universe, so that each round of ticks brings it as
// many as it has subscriptions. Nearly every connection has a list of its own, unless --shared has many take the same.
static int symbol_at(int connection, int place) {
    uint32_t draw = (given.shared ? connection % given.shared : connection) * 2654435761u + place * 40503u;
    draw = (draw ^ draw >> 15) * 2246822519u;
    return place * stride() + (draw ^ draw >> 13) % stride();
}

// Where a connection keeps the last number of a channel; -1 when it did not ask for it.
static int channel_place(int connection, int symbol, char kind) {
    int place = symbol / stride();
    if (symbol < 0 || place >= given.subscriptions || symbol_at(connection, place) != symbol) return -1;
    return strchr(given.kinds, kind) ? place * 2 + (kind == 'q') : -1;
}

// -- what a server sends ------------------------------------------------------------------------

static const char *number(const char *at, const char *end, uint64_t *value) {
    for (*value = 0; at < end && *at >= '0' && *at <= '9'; at++) *value = *value * 10 + (*at - '0');
    return at;
}
static void take_number(int index, int symbol, char kind, uint64_t n, uint64_t k) {
    struct connection *c = &connections[index];
    int place = channel_place(index, symbol, kind);
    if (place < 0) { strangers++; return; }
    uint32_t last = c->last_n[place];
    if (last && n - k > last) holes += n - k - last;  // the rule of the protocol: n - k <= last
    if (last && n <= last) { repeats++; return; }
    c->last_n[place] = n;
    c->taken += k;
    if (measuring) { deliveries += k; updates++; }
}
// One tick, from behind its `"op":"t"`: `,"c":"t:S0001","n":1,"k":…,"px":…,"ts":…`. Returns where it was left.
static const char *take_tick(int index, const char *at, const char *end, int64_t now_us) {
    char kind = at[6];
    const char *name = at + 8, *name_end = memchr(name, '"', end > name ? end - name : 0);
    if (!name_end || end - name_end < 8) return end;
    uint64_t n, k = 1, ts;
    at = number(name_end + 6, end, &n);
    if (end - at > 5 && !memcmp(at, ",\"k\":", 5)) at = number(at + 5, end, &k);
    take_number(index, symbol_of(name, name_end - name), kind, n, k);
    at = memmem(at, end - at, "\"ts\":", 5);
    if (!at) return end;
    at = number(at + 5, end, &ts);
    if (measuring) note_latency(now_us - (int64_t)ts);
    return at;
}
static void take_payload(int index, const char *at, const char *end, int64_t now_us) {
    while ((at = memmem(at, end - at, "{\"op\":\"", 7))) {
        at += 7;
        if (end - at > 12 && at[1] == '"' && memchr("tqxc", at[0], 4)) {  // cancels and corrections are ticks, too
            at = take_tick(index, at + 2, end, now_us);
            continue;
        }
        controls++;
        if (end - at < 3 || memcmp(at, "err", 3)) continue;
        if (!errors++) fprintf(stderr, "an error: %.*s\n", (int)(end - at > 300 ? 300 : end - at), at);
    }
}

// -- WebSocket --------------------------------------------------------------------------------

static void send_all(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) return;  // the reading side notices
        if (sent > 0) { data += sent; size -= sent; }
    }
}
static void send_frame(int fd, int opcode, const char *payload, size_t size) {
    unsigned char head[14] = {0x80 | opcode};
    size_t used = 2;
    if (size < 126) head[1] = 0x80 | size;
    else { head[1] = 0x80 | 126; head[2] = size >> 8; head[3] = size; used = 4; }
    used += 4;  // the mask, of zeros: the payload goes as it is
    char *whole = malloc(used + size);
    memcpy(whole, head, used);
    memcpy(whole + used, payload, size);
    send_all(fd, whole, used + size);
    free(whole);
}
static void subscribe(int index) {
    size_t room = 512 + (size_t)given.subscriptions * 64, used;
    char *text = malloc(room);
    if (given.centrifuge) {
        used = sprintf(text, "{\"id\":1,\"connect\":{}}");
        for (int i = 0; i < given.subscriptions; i++)
            used += sprintf(text + used, "\n{\"id\":%d,\"subscribe\":{\"channel\":\"t:%s\"}}", i + 2,
                            names[symbol_at(index, i)]);
    } else {
        used = sprintf(text, "[{\"op\":\"hello\",\"token\":\"demo\"},{\"op\":\"sub\",\"id\":1,\"from\":\"live\",");
        used += given.hz > 0 ? sprintf(text + used, "\"mode\":\"interval\",\"hz\":%g,", given.hz)
                             : sprintf(text + used, "\"mode\":\"raw\",");
        used += sprintf(text + used, "\"kinds\":[");
        for (const char *kind = given.kinds; *kind; kind++)
            used += sprintf(text + used, "%s\"%c\"", kind > given.kinds ? "," : "", *kind);
        used += sprintf(text + used, "],\"symbols\":[");
        for (int i = 0; i < given.subscriptions; i++)
            used += sprintf(text + used, "%s\"%s\"", i ? "," : "", names[symbol_at(index, i)]);
        used += sprintf(text + used, "]}]");
    }
    if (used > 65535) { fprintf(stderr, "refusing: too many subscriptions\n"); exit(2); }
    send_frame(connections[index].fd, 1, text, used);
    free(text);
}
static void drop(int index) {
    struct connection *c = &connections[index];
    epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
    c->fd = -1;
    lost++;
}
// Take the first frame of the data; 0 when it is not whole yet.
static size_t take_frame(int index, const char *data, size_t size, int64_t now_us) {
    const unsigned char *head = (const unsigned char *)data;
    if (size < 2) return 0;
    size_t used = 2, length = head[1] & 127;
    if (length == 126) { if (size < 4) return 0; length = head[2] << 8 | head[3]; used = 4; }
    else if (length == 127) {
        if (size < 10) return 0;
        for (length = 0, used = 2; used < 10; used++) length = length << 8 | head[used];
    }
    if (size - used < length) return 0;
    int opcode = head[0] & 15;
    if (measuring) frames++;
    if (opcode == 8) { drop(index); return 0; }
    if (opcode == 9) send_frame(connections[index].fd, 10, data + used, length);
    else if (opcode < 3) take_payload(index, data + used, data + used + length, now_us);
    return used + length;
}
static void take_bytes(int index, char *data, size_t size, int64_t now_us) {
    struct connection *c = &connections[index];
    char *at = data, *end = data + size;
    if (!c->upgraded) {
        char *body = memmem(data, size, "\r\n\r\n", 4);
        if (body && memcmp(data, "HTTP/1.1 101", 12)) {
            fprintf(stderr, "refused: %.*s\n", (int)(body - data > 200 ? 200 : body - data), data);
            drop(index);
            return;
        }
        if (body) { c->upgraded = 1; upgraded++; at = body + 4; subscribe(index); }
    }
    while (c->upgraded && at < end) {
        size_t used = take_frame(index, at, end - at, now_us);
        if (c->fd < 0) return;
        if (!used) break;
        at += used;
    }
    c->held_bytes = end - at;
    if (c->held_bytes > HELD_BYTES_MAX) { fprintf(stderr, "a frame beyond the bounds\n"); drop(index); return; }
    if (c->held_bytes) {
        c->held = realloc(c->held, c->held_bytes);
        memcpy(c->held, at, c->held_bytes);
    } else if (c->held) { free(c->held); c->held = NULL; }
}
static char *read_buffer;  // the held bytes of a connection are put in front of what is read
static void read_from(int index) {
    struct connection *c = &connections[index];
    char *begin = read_buffer + HELD_BYTES_MAX;
    ssize_t got = recv(c->fd, begin, READ_BYTES, MSG_DONTWAIT);
    if (got > 0) {
        if (measuring) { bytes += got; reads++; }
        if (c->held_bytes) memcpy(begin - c->held_bytes, c->held, c->held_bytes);
        take_bytes(index, begin - c->held_bytes, c->held_bytes + got, wall_us());
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) drop(index);
}
// Read until a time; returns whether anything came.
static int pump(double until) {
    struct epoll_event events[EVENTS];
    int any = 0;
    do {
        int ready = epoll_wait(poller, events, EVENTS, given.spin ? 0 : 2);
        for (int i = 0; i < ready; i++)
            if (connections[events[i].data.u32].fd >= 0) { read_from(events[i].data.u32); any = 1; }
    } while (seconds_now() < until);
    return any;
}

// -- the server as the kernel sees it ---------------------------------------------------------------

struct sample { double cpu_seconds, own_seconds, busy_seconds; uint64_t writes; long rss_kib; };
static size_t read_file(const char *name, char *into, size_t room) {
    char path[64];
    if (*name == '/') snprintf(path, sizeof path, "%s", name);
    else snprintf(path, sizeof path, "/proc/%d/%s", given.pid, name);
    FILE *file = fopen(path, "r");
    size_t size = file ? fread(into, 1, room - 1, file) : 0;
    if (file) fclose(file);
    into[size] = 0;
    return size;
}
static struct sample sample(void) {
    struct sample s = {0};
    char text[4096];
    double tick = sysconf(_SC_CLK_TCK);
    unsigned long user = 0, kernel = 0, v[8] = {0};
    long pages = 0;
    if (given.pid && read_file("stat", text, sizeof text)) {
        char *rest = strrchr(text, ')');
        if (rest) sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
        s.cpu_seconds = (user + kernel) / tick;
        if (read_file("statm", text, sizeof text)) sscanf(text, "%*d %ld", &pages);
        s.rss_kib = pages * (sysconf(_SC_PAGESIZE) / 1024);
        read_file("io", text, sizeof text);
        char *writes = strstr(text, "syscw:");
        if (writes) s.writes = strtoull(writes + 6, NULL, 10);
    }
    if (read_file("/proc/stat", text, sizeof text) &&
        sscanf(text, "cpu %lu %lu %lu %lu %lu %lu %lu %lu", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7) == 8)
        s.busy_seconds = (v[0] + v[1] + v[2] + v[5] + v[6] + v[7]) / tick;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    s.own_seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
                    (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    return s;
}

// -- the run ------------------------------------------------------------------------------------

static void open_one(int index, const char *request, size_t size) {
    struct connection *c = &connections[index];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(given.port), .sin_addr.s_addr = htonl(0x7f000001)};
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (void *)&to, sizeof to) < 0) { perror("connect"); exit(2); }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->last_n = calloc((size_t)given.subscriptions * 2, sizeof *c->last_n);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
    send_all(c->fd, request, size);
}
static double open_all(void) {
    char request[512];
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
                        given.centrifuge ? "/ws" : "/v1/stream", given.port,
                        given.centrifuge ? "" : "Sec-WebSocket-Protocol: tapewire.v1.json\r\n");
    double began = seconds_now();
    for (int i = 0; i < given.connections; i++) {
        open_one(i, request, size);
        while (i + 1 - upgraded - (int)lost > CONNECTING_MAX && seconds_now() - began < 60) pump(0);
    }
    while (upgraded + (int)lost < given.connections && seconds_now() - began < 60) pump(0);
    double took = seconds_now() - began;
    // Their subscriptions are answered: nothing came for a while.
    for (double quiet = seconds_now(), until = quiet + 3; seconds_now() < until && seconds_now() - quiet < 0.3;)
        if (pump(seconds_now() + 0.02)) quiet = seconds_now();
    return took;
}
static void parse(int count, char **words) {
    for (int i = 1; i < count; i += 2) {
        const char *key = words[i], *value = i + 1 < count ? words[i + 1] : "";
        if (!strcmp(key, "--port")) given.port = atoi(value);
        else if (!strcmp(key, "--protocol")) given.centrifuge = !strcmp(value, "centrifuge");
        else if (!strcmp(key, "--connections")) given.connections = atoi(value);
        else if (!strcmp(key, "--subscriptions")) given.subscriptions = atoi(value);
        else if (!strcmp(key, "--universe")) given.universe = atoi(value);
        else if (!strcmp(key, "--shared")) given.shared = atoi(value);
        else if (!strcmp(key, "--symbols")) given.symbols = strdup(value);
        else if (!strcmp(key, "--kinds")) given.kinds = value;
        else if (!strcmp(key, "--hz")) given.hz = atof(value);
        else if (!strcmp(key, "--warm-seconds")) given.warm_seconds = atof(value);
        else if (!strcmp(key, "--seconds")) given.seconds = atof(value);
        else if (!strcmp(key, "--pid")) given.pid = atoi(value);
        else if (!strcmp(key, "--signal")) given.signal = atoi(value);
        else if (!strcmp(key, "--spin")) given.spin = atoi(value);
        else { fprintf(stderr, "unknown option %s\n", key); exit(2); }
    }
    if (given.symbols) {
        given.universe = 1;
        for (const char *at = given.symbols; *at; at++) given.universe += *at == ',';
    }
    if (given.connections < 1 || given.connections > CONNECTIONS_MAX || given.universe < 1 ||
        given.universe > NAMES / 2 || given.subscriptions < 1 || given.subscriptions > given.universe ||
        given.warm_seconds + given.seconds > SECONDS_MAX) {
        fprintf(stderr, "refusing: over the bounds\n");
        exit(2);
    }
}
int main(int count, char **words) {
    parse(count, words);
    signal(SIGPIPE, SIG_IGN);
    alarm(SECONDS_MAX + 120);
    name_symbols();
    connections = calloc(given.connections, sizeof *connections);
    read_buffer = malloc(HELD_BYTES_MAX + READ_BYTES + 64);
    poller = epoll_create1(0);
    long empty_kib = sample().rss_kib;
    double connect_seconds = open_all();
    long idle_kib = sample().rss_kib;
    if (given.signal && given.pid) kill(given.pid, SIGUSR1);
    pump(seconds_now() + given.warm_seconds);
    uint64_t *before = calloc(given.connections, sizeof *before), least = UINT64_MAX, most = 0;
    for (int i = 0; i < given.connections; i++) before[i] = connections[i].taken;
    struct sample a = sample();
    double began = seconds_now();
    measuring = 1;
    pump(began + given.seconds);
    measuring = 0;
    double took = seconds_now() - began;
    struct sample b = sample();
    for (int i = 0; i < given.connections; i++) {
        uint64_t taken = connections[i].taken - before[i];
        least = taken < least ? taken : least;
        most = taken > most ? taken : most;
    }
    double cpu = b.cpu_seconds - a.cpu_seconds, own = b.own_seconds - a.own_seconds;
    printf("{\"connections\":%d,\"upgraded\":%d,\"lost\":%llu,\"connect_seconds\":%.3f,\"seconds\":%.3f,"
           "\"deliveries\":%llu,\"updates\":%llu,\"holes\":%llu,\"repeats\":%llu,\"strangers\":%llu,\"errors\":%llu,"
           "\"controls\":%llu,\"frames\":%llu,\"reads\":%llu,\"bytes\":%llu,\"least\":%llu,\"most\":%llu,"
           "\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"most_ms\":%.3f,"
           "\"cpu_seconds\":%.3f,\"writes\":%llu,\"client_seconds\":%.3f,\"others_seconds\":%.3f,"
           "\"empty_kib\":%ld,\"idle_kib\":%ld,\"loaded_kib\":%ld}\n",
           given.connections, upgraded, (unsigned long long)lost, connect_seconds, took,
           (unsigned long long)deliveries, (unsigned long long)updates, (unsigned long long)holes,
           (unsigned long long)repeats, (unsigned long long)strangers, (unsigned long long)errors,
           (unsigned long long)controls, (unsigned long long)frames, (unsigned long long)reads,
           (unsigned long long)bytes, (unsigned long long)least, (unsigned long long)most, latency_ms(.5),
           latency_ms(.9), latency_ms(.99), latency_ms(.999), latest_us / 1e3, cpu,
           (unsigned long long)(b.writes - a.writes), own, b.busy_seconds - a.busy_seconds - cpu - own, empty_kib,
           idle_kib, b.rss_kib);
    return 0;
}
