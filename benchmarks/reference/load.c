/* A load generator that knows no protocol, so that every server here is loaded and checked by the same code.

   It is told everything by a script: for each client the bytes that sign it in and those it has to be
   answered, and the bytes of its post around a number of fixed width. In whatever a server sends, a post is
   recognised by the marker that stands before its number, be it in a WebSocket frame, an XML stanza or a
   bare line.

   usage: load SCRIPT

   Standard output has a line of JSON for everything that happens. When it has said how many are connected, it
   reads orders, one a line, from standard input (a pipe): RATE WARM_UP_SECONDS SECONDS SETTLE_SECONDS, and
   after the last it ends with its input.

   Open loop: post n is due at start + n / rate, which was fixed before, and latency counts from there,
   however late it was sent. So the number of a post is all that has to travel.

   The script is a sequence of these; a blob is so many bytes after the line that says how many:
       port N
       connecting AT_ONCE SECONDS
       marker BYTES                   blob: what stands before a number
       answer SEEN ECHOED SENT        blobs: when the first is seen, the second is sent, and after it as many
                                      bytes as ECHOED says of what followed the first (the cookie of a ping)
       client ADDRESS ROOM            the address it connects from; rooms are numbers from 0
       send BYTES                     blob: a step of the client above
       wait BYTES                     blob: likewise; nothing goes on before this has come
       post BYTES COUNT AT...         blob: its post, and where in it the number is to be put

   One thread. Linux. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    READ_BYTES = 1 << 18,
    TOKEN_BYTES = 256,      /* the longest that is looked for while a load goes on */
    NUMBER_DIGITS = 8,      /* hexadecimal */
    EVENTS = 512,
    REFUSALS_SHOWN = 3,
    QUIET_SECONDS = 3,      /* a server that says nothing for so long has nothing more to say */
    IDLE_NS = 100000000,
    LEAD_NS = 100000000,    /* between an order and its first post */
    BUCKETS_LINEAR = 256,   /* microseconds */
    BUCKETS_A_DOUBLING = 128,
    BUCKETS = BUCKETS_LINEAR + 24 * BUCKETS_A_DOUBLING,
};

static const int64_t SECOND_NS = 1000000000;
static const uint32_t NEVER = UINT32_MAX;

struct bytes {
    char *at;
    size_t used, space;
};

struct step {
    bool waits;
    struct bytes text;
};

/* Places in a room's order that a client was not told when it was told later ones. */
struct hole {
    uint32_t first, last;
};

enum state { UNBORN, CONNECTING, SIGNING_IN, READY, LOST };

struct client {
    enum state state;
    int fd;
    struct in_addr address;
    uint32_t room;
    struct step *steps;
    size_t step_count, step;
    struct bytes post;
    uint32_t *number_at;
    size_t numbers;
    struct bytes in;  /* until it is ready all that came; then what may be the beginning of a token */
    struct bytes out; /* what its socket has not taken */
    uint32_t place;   /* how far it was told its room's order, but for its holes */
    struct hole *holes;
    size_t hole_count;
};

/* Posts in the order in which whoever heard of each first was told them. */
struct room {
    uint32_t *order;
    size_t count, space, members;
};

struct answer {
    struct bytes seen, sent;
    size_t echoed;
};

struct histogram {
    uint64_t counts[BUCKETS], total;
};

static int poller, port;
static struct client *clients, **posters;
static struct room *rooms;
static struct answer *answers;
static struct bytes marker;
static size_t client_count, poster_count, room_count, answer_count, longest_token;
static size_t at_once = 64, connecting, ready, refused, lost;
static double connect_seconds = 60;

static struct bytes order; /* what came of the next line of standard input */
static bool ordered, ended;

/* The load that goes on. Numbers are never used again, so what an earlier load left behind is known. */
static struct {
    double rate, seconds;
    int64_t start_ns, from_ns, to_ns;
    uint32_t base, count, sent;
    uint32_t *places; /* of each post in its room's order */
    uint64_t told, to_be_told, told_in_time, sent_in_time, twice, out_of_order, foreign, stale;
    int64_t last_told_ns;
    struct histogram latency, lateness;
} load;

/* -- small things ---------------------------------------------------------------------------------- */

static void die(const char *format, ...) {
    va_list rest;
    va_start(rest, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, rest);
    fputc('\n', stderr);
    exit(1);
}

static void *memory(void *old, size_t size) {
    void *got = realloc(old, size);
    if (!got && size) die("no memory");
    return got;
}

static void put(struct bytes *to, const char *from, size_t count) {
    if (to->used + count > to->space) {
        to->space = to->used * 2 + count;
        to->at = memory(to->at, to->space);
    }
    if (count) memcpy(to->at + to->used, from, count);
    to->used += count;
}

static void drop(struct bytes *these) {
    free(these->at);
    *these = (struct bytes){0};
}

static void cut_front(struct bytes *these, size_t count) {
    these->used -= count;
    memmove(these->at, these->at + count, these->used);
}

/* memchr looks at many bytes at once, and markers begin with a byte that is rare elsewhere. */
static char *find(char *at, const char *end, const struct bytes *what) {
    while (at + what->used <= end) {
        at = memchr(at, what->at[0], (size_t)(end - at) - what->used + 1);
        if (!at || !memcmp(at, what->at, what->used)) return at;
        at++;
    }
    return NULL;
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static double cpu_seconds(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void say(const char *format, ...) {
    va_list rest;
    va_start(rest, format);
    vprintf(format, rest);
    putchar('\n');
    fflush(stdout);
}

/* -- durations, in buckets at most 0.8 % wide: linear, then so many for each doubling -------------- */

static void count_in(struct histogram *these, int64_t ns) {
    uint64_t us = ns > 0 ? (uint64_t)ns / 1000 : 0;
    size_t bucket = us;
    if (us >= BUCKETS_LINEAR) {
        int shift = 64 - __builtin_clzll(us) - 8;
        bucket = (size_t)shift * BUCKETS_A_DOUBLING + (us >> shift);
    }
    these->counts[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    these->total++;
}

/* The longest that a bucket counts. */
static double bucket_ms(size_t bucket) {
    if (bucket < BUCKETS_LINEAR) return (double)bucket / 1e3;
    size_t shift = bucket / BUCKETS_A_DOUBLING - 1;
    return (double)(((bucket - shift * BUCKETS_A_DOUBLING + 1) << shift) - 1) / 1e3;
}

static double percentile_ms(const struct histogram *these, double percent) {
    double wanted = (double)these->total * percent / 100;
    uint64_t seen = 0;
    for (size_t each = 0; each < BUCKETS; each++) {
        seen += these->counts[each];
        if (seen && (double)seen >= wanted) return bucket_ms(each);
    }
    return 0;
}

static void print_histogram(const char *name, const struct histogram *these) {
    printf(", \"%s\": {\"count\": %ju", name, (uintmax_t)these->total);
    static const struct { const char *name; double percent; } rows[] = {
        {"p50", 50}, {"p90", 90}, {"p99", 99}, {"p999", 99.9}, {"longest", 100}};
    for (size_t each = 0; each < sizeof rows / sizeof *rows; each++) {
        if (these->total) printf(", \"%s\": %.3f", rows[each].name, percentile_ms(these, rows[each].percent));
        else printf(", \"%s\": null", rows[each].name);
    }
    putchar('}');
}

/* -- the script ------------------------------------------------------------------------------------ */

static struct bytes blob(FILE *script, size_t size) {
    struct bytes text = {.at = memory(NULL, size + 1), .used = size, .space = size};
    if (fread(text.at, 1, size, script) != size) die("the script ends within a blob");
    return text;
}

/* The last byte of a line is its newline and nothing more, so that a blob may begin with white space. */
static void end_of_line(FILE *script) {
    if (fgetc(script) != '\n') die("a line of the script has more than it should");
}

static size_t number(FILE *script) {
    size_t value;
    if (fscanf(script, "%zu", &value) != 1) die("the script has no number where one belongs");
    return value;
}

static void read_answer(FILE *script) {
    answers = memory(answers, (answer_count + 1) * sizeof *answers);
    struct answer *answer = &answers[answer_count++];
    size_t seen = number(script), echoed = number(script), sent = number(script);
    end_of_line(script);
    *answer = (struct answer){.seen = blob(script, seen), .echoed = echoed, .sent = blob(script, sent)};
    if (seen + echoed > longest_token) longest_token = seen + echoed;
}

static void read_marker(FILE *script) {
    size_t size = number(script);
    end_of_line(script);
    marker = blob(script, size);
    if (size + NUMBER_DIGITS > longest_token) longest_token = size + NUMBER_DIGITS;
}

static void read_client(FILE *script) {
    char address[INET_ADDRSTRLEN];
    if (fscanf(script, "%15s", address) != 1) die("a client has no address");
    size_t room = number(script);
    end_of_line(script);
    if (!(client_count & (client_count - 1)))
        clients = memory(clients, (client_count ? client_count * 2 : 1) * sizeof *clients);
    struct client *who = &clients[client_count++];
    *who = (struct client){.fd = -1, .room = (uint32_t)room};
    if (!inet_aton(address, &who->address)) die("%s is no address", address);
    if (room >= room_count) {
        rooms = memory(rooms, (room + 1) * sizeof *rooms);
        memset(rooms + room_count, 0, (room + 1 - room_count) * sizeof *rooms);
        room_count = room + 1;
    }
    rooms[room].members++;
}

static struct client *last_client(void) {
    if (!client_count) die("a step belongs to a client");
    return &clients[client_count - 1];
}

static void read_step(FILE *script, bool waits) {
    struct client *who = last_client();
    size_t size = number(script);
    end_of_line(script);
    who->steps = memory(who->steps, (who->step_count + 1) * sizeof *who->steps);
    who->steps[who->step_count++] = (struct step){.waits = waits, .text = blob(script, size)};
}

static void read_post(FILE *script) {
    struct client *who = last_client();
    size_t size = number(script);
    who->numbers = number(script);
    who->number_at = memory(NULL, who->numbers * sizeof *who->number_at);
    for (size_t each = 0; each < who->numbers; each++) {
        size_t at = number(script);
        if (at + NUMBER_DIGITS > size) die("a number does not fit into its post");
        who->number_at[each] = (uint32_t)at;
    }
    end_of_line(script);
    who->post = blob(script, size);
    poster_count++;
}

static void read_script(const char *name) {
    FILE *script = fopen(name, "rb");
    if (!script) die("%s: %s", name, strerror(errno));
    for (char word[16]; fscanf(script, "%15s", word) == 1;) {
        if (!strcmp(word, "port")) port = (int)number(script);
        else if (!strcmp(word, "connecting")) {
            at_once = number(script);
            connect_seconds = (double)number(script);
        } else if (!strcmp(word, "marker")) read_marker(script);
        else if (!strcmp(word, "answer")) read_answer(script);
        else if (!strcmp(word, "client")) read_client(script);
        else if (!strcmp(word, "send") || !strcmp(word, "wait")) read_step(script, word[0] == 'w');
        else if (!strcmp(word, "post")) read_post(script);
        else die("the script says \"%s\", which means nothing", word);
    }
    fclose(script);
    if (!port || !marker.used || !client_count) die("a script has a port, a marker and clients");
    if (longest_token > TOKEN_BYTES) die("a token has %d bytes at most", TOKEN_BYTES);
}

/* In the order of the script; an order that goes round the rooms is the script's to choose. */
static void list_posters(void) {
    posters = memory(NULL, poster_count * sizeof *posters);
    for (size_t each = 0, next = 0; each < client_count; each++)
        if (clients[each].post.used) posters[next++] = &clients[each];
}

/* -- sockets --------------------------------------------------------------------------------------- */

static void wake_for(struct client *who, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = who};
    epoll_ctl(poller, EPOLL_CTL_MOD, who->fd, &event);
}

static void lose(struct client *who, const char *why) {
    if (who->state != READY) {
        connecting--;
        if (refused++ < REFUSALS_SHOWN)
            fprintf(stderr, "load: client %td at step %zu: %s; it was told: %.*s\n", who - clients, who->step,
                    why, (int)who->in.used, who->in.at ? who->in.at : "");
    } else {
        ready--;
        lost++;
    }
    who->state = LOST;
    close(who->fd);
    drop(&who->in);
    drop(&who->out);
}

static void send_to(struct client *who, const char *from, size_t count) {
    size_t sent = 0;
    if (!who->out.used) {
        ssize_t took = send(who->fd, from, count, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (took < 0 && errno != EAGAIN && errno != EINTR) {
            lose(who, strerror(errno));
            return;
        }
        sent = took > 0 ? (size_t)took : 0;
        if (sent == count) return;
        wake_for(who, EPOLLIN | EPOLLOUT);
    }
    /* Bounded by the load: each post is put here once at most. */
    put(&who->out, from + sent, count - sent);
}

static void send_pending(struct client *who) {
    ssize_t took = send(who->fd, who->out.at, who->out.used, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (took < 0) {
        if (errno != EAGAIN && errno != EINTR) lose(who, strerror(errno));
        return;
    }
    cut_front(&who->out, (size_t)took);
    if (!who->out.used) wake_for(who, EPOLLIN);
}

/* -- what was told is checked ---------------------------------------------------------------------- */

static int64_t due_ns(uint32_t post) {
    return load.start_ns + (int64_t)((double)post * (double)SECOND_NS / load.rate);
}

static struct client *poster_of(uint32_t post) { return posters[(load.base + post) % poster_count]; }

static void add_hole(struct client *who, uint32_t first, uint32_t last) {
    who->holes = memory(who->holes, (who->hole_count + 1) * sizeof *who->holes);
    who->holes[who->hole_count++] = (struct hole){first, last};
}

/* Whether there was one at that place. */
static bool fill_hole(struct client *who, uint32_t place) {
    for (size_t each = 0; each < who->hole_count; each++) {
        struct hole whole = who->holes[each];
        if (place < whole.first || place > whole.last) continue;
        who->holes[each] = who->holes[--who->hole_count];
        if (place > whole.first) add_hole(who, whole.first, place - 1);
        if (place < whole.last) add_hole(who, place + 1, whole.last);
        return true;
    }
    return false;
}

static uint32_t append(struct room *room, uint32_t post) {
    if (room->count == room->space) {
        room->space = room->space ? room->space * 2 : 64;
        room->order = memory(room->order, room->space * sizeof *room->order);
    }
    room->order[room->count] = post;
    return load.places[post] = (uint32_t)room->count++;
}

/* Not the next one that somebody of this room was told before: whether it counts as told, all the same. */
static bool told_otherwise(struct client *who, uint32_t post) {
    if (post >= load.sent || poster_of(post)->room != who->room) {
        load.foreign++;
        return false;
    }
    uint32_t place = load.places[post];
    if (place == NEVER) place = append(&rooms[who->room], post);
    if (place < who->place) {
        if (!fill_hole(who, place)) {
            load.twice++;
            return false;
        }
        load.out_of_order++;
        return true;
    }
    if (place > who->place) add_hole(who, who->place, place - 1);
    who->place = place + 1;
    return true;
}

static void tell(struct client *who, uint32_t number, int64_t now) {
    if (number < load.base) {
        load.stale++;
        return;
    }
    uint32_t post = number - load.base;
    const struct room *room = &rooms[who->room];
    if (who->place < room->count && room->order[who->place] == post) who->place++;
    else if (!told_otherwise(who, post)) return;
    load.told++;
    load.last_told_ns = now;
    if (now >= load.from_ns && now < load.to_ns) load.told_in_time++;
    int64_t due = due_ns(post);
    if (due >= load.from_ns) count_in(&load.latency, now - due);
}

/* What a client was never told, of what anybody was, and of what nobody was. */
static uint64_t missing(void) {
    uint64_t count = 0;
    for (size_t each = 0; each < client_count; each++) {
        const struct client *who = &clients[each];
        count += rooms[who->room].count - who->place;
        for (size_t hole = 0; hole < who->hole_count; hole++)
            count += who->holes[hole].last - who->holes[hole].first + 1;
    }
    for (uint32_t post = 0; post < load.sent; post++)
        if (load.places[post] == NEVER) count += rooms[poster_of(post)->room].members;
    return count;
}

/* -- what a server says ---------------------------------------------------------------------------- */

static bool read_number(const char *at, uint32_t *value) {
    *value = 0;
    for (int each = 0; each < NUMBER_DIGITS; each++) {
        unsigned digit = (unsigned char)at[each];
        if (digit - '0' <= 9) digit -= '0';
        else if (digit - 'a' <= 5) digit -= 'a' - 10;
        else return false;
        *value = *value << 4 | digit;
    }
    return true;
}

/* Both return the end of the last whole token they found, `from` when there was none. */

static char *hear_posts(struct client *who, char *from, char *end, int64_t now) {
    char *used = from;
    for (char *at = from; (at = find(at, end, &marker));) {
        at += marker.used;
        if (end - at < NUMBER_DIGITS) break;
        uint32_t value;
        if (!read_number(at, &value)) continue;
        tell(who, value, now);
        used = at += NUMBER_DIGITS;
    }
    return used;
}

static char *hear_questions(struct client *who, const struct answer *answer, char *from, char *end) {
    char *used = from;
    for (char *at = from; (at = find(at, end, &answer->seen));) {
        at += answer->seen.used;
        if ((size_t)(end - at) < answer->echoed) break;
        struct bytes whole = {0};
        put(&whole, answer->sent.at, answer->sent.used);
        put(&whole, at, answer->echoed);
        send_to(who, whole.at, whole.used);
        drop(&whole);
        used = at += answer->echoed;
        if (who->state == LOST) break;
    }
    return used;
}

/* Keeps of the end what may be the beginning of a token, and nothing that a token was found in. */
static void hear(struct client *who, char *from, char *end, int64_t now) {
    char *used = hear_posts(who, from, end, now);
    for (size_t each = 0; each < answer_count && who->state == READY; each++) {
        char *here = hear_questions(who, &answers[each], from, end);
        if (here > used) used = here;
    }
    if (who->state == LOST) return;
    if ((size_t)(end - used) >= longest_token) used = end - longest_token + 1;
    who->in.used = 0;
    put(&who->in, used, (size_t)(end - used));
}

/* As many steps as what has come allows. */
static void take_steps(struct client *who) {
    for (; who->step < who->step_count; who->step++) {
        const struct step *step = &who->steps[who->step];
        if (!step->waits) {
            send_to(who, step->text.at, step->text.used);
            if (who->state == LOST) return;
            continue;
        }
        char *found = who->in.used ? find(who->in.at, who->in.at + who->in.used, &step->text) : NULL;
        if (!found) return;
        cut_front(&who->in, (size_t)(found - who->in.at) + step->text.used);
    }
    who->state = READY;
    connecting--;
    ready++;
    struct bytes rest = who->in;
    who->in = (struct bytes){0};
    if (rest.used) hear(who, rest.at, rest.at + rest.used, now_ns());
    drop(&rest);
}

static void take(struct client *who) {
    static char heard[TOKEN_BYTES + READ_BYTES];
    char *from = heard + TOKEN_BYTES;
    ssize_t count = recv(who->fd, from, READ_BYTES, MSG_DONTWAIT);
    if (count <= 0) {
        if (count == 0 || (errno != EAGAIN && errno != EINTR)) lose(who, count ? strerror(errno) : "closed");
        return;
    }
    if (who->state == SIGNING_IN) {
        put(&who->in, from, (size_t)count);
        take_steps(who);
        return;
    }
    char *end = from + count;
    from -= who->in.used;
    if (who->in.used) memcpy(from, who->in.at, who->in.used);
    hear(who, from, end, now_ns());
}

/* -- posting --------------------------------------------------------------------------------------- */

static void write_number(char *at, uint32_t value) {
    for (int each = NUMBER_DIGITS; each--; value >>= 4) at[each] = "0123456789abcdef"[value & 15];
}

static void post(uint32_t which, int64_t now) {
    struct client *who = poster_of(which);
    for (size_t each = 0; each < who->numbers; each++)
        write_number(who->post.at + who->number_at[each], load.base + which);
    load.places[which] = NEVER;
    if (due_ns(which) >= load.from_ns) {
        load.sent_in_time++;
        count_in(&load.lateness, now - due_ns(which));
    }
    load.to_be_told += rooms[who->room].members;
    if (who->state == READY) send_to(who, who->post.at, who->post.used);
}

static void post_due(int64_t now) {
    for (; load.sent < load.count && due_ns(load.sent) <= now; now = now_ns()) {
        uint32_t which = load.sent++;
        post(which, now);
    }
}

/* -- one turn -------------------------------------------------------------------------------------- */

static void take_order(void) {
    char text[256];
    ssize_t count = read(STDIN_FILENO, text, sizeof text);
    if (count <= 0) {
        ended = true;
        epoll_ctl(poller, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
        return;
    }
    put(&order, text, (size_t)count);
    ordered = memchr(order.at, '\n', order.used) != NULL;
}

static void connected(struct client *who) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(who->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        lose(who, strerror(error));
        return;
    }
    who->state = SIGNING_IN;
    wake_for(who, EPOLLIN);
    take_steps(who);
}

static void happened(struct client *who, uint32_t events) {
    if (who->state == CONNECTING) {
        connected(who);
        return;
    }
    if (events & EPOLLOUT && who->out.used) send_pending(who);
    if (who->state != LOST && events & ~(uint32_t)EPOLLOUT) take(who);
}

/* Posts are sent between two reads, so that a round of reading does not make them late. */
static void turn(int64_t until_ns) {
    static struct epoll_event events[EVENTS];
    int64_t now = now_ns(), next = until_ns;
    post_due(now);
    if (load.sent < load.count && due_ns(load.sent) < next) next = due_ns(load.sent);
    int64_t rest = next > now ? next - now : 0;
    struct timespec timeout = {rest / SECOND_NS, rest % SECOND_NS};
    int count = epoll_pwait2(poller, events, EVENTS, &timeout, NULL);
    if (count < 0 && errno != EINTR) die("epoll_pwait2: %s", strerror(errno));
    for (int each = 0; each < count; each++) {
        struct client *who = events[each].data.ptr;
        if (!who) take_order();
        else if (who->state != LOST) happened(who, events[each].events);
        if (load.sent < load.count) post_due(now_ns());
    }
}

/* -- connecting ------------------------------------------------------------------------------------ */

static void open_socket(struct client *who) {
    int on = 1;
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = who->address}, to = from;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons((uint16_t)port);
    who->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (who->fd < 0) die("socket: %s", strerror(errno));
    who->state = CONNECTING;
    connecting++;
    setsockopt(who->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* Without it a port would have to be free towards everybody, not only towards the server. */
    setsockopt(who->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(who->fd, (struct sockaddr *)&from, sizeof from)) die("bind: %s", strerror(errno));
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = who};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, who->fd, &event)) die("epoll_ctl: %s", strerror(errno));
    if (connect(who->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)
        lose(who, strerror(errno));
}

static void connect_all(void) {
    int64_t start = now_ns(), deadline = start + (int64_t)(connect_seconds * (double)SECOND_NS);
    size_t next = 0;
    while (ready + refused + lost < client_count && now_ns() < deadline) {
        while (connecting < at_once && next < client_count) open_socket(&clients[next++]);
        turn(now_ns() + IDLE_NS);
    }
    for (size_t each = 0; each < next; each++) {
        enum state state = clients[each].state;
        if (state == CONNECTING || state == SIGNING_IN) lose(&clients[each], "it took too long");
    }
    printf("{\"event\": \"connected\", \"clients\": %zu", ready);
    printf(", \"refused\": %zu, \"lost\": %zu", client_count - ready - lost, lost);
    say(", \"seconds\": %.3f}", (double)(now_ns() - start) / 1e9);
}

/* -- loads ----------------------------------------------------------------------------------------- */

static void plan(double rate, double warm_up, double seconds) {
    uint32_t base = load.base + load.count;
    free(load.places);
    memset(&load, 0, sizeof load);
    load.rate = rate;
    load.seconds = seconds;
    load.base = base;
    load.start_ns = now_ns() + LEAD_NS;
    load.from_ns = load.start_ns + (int64_t)(warm_up * (double)SECOND_NS);
    load.to_ns = load.from_ns + (int64_t)(seconds * (double)SECOND_NS);
    load.count = (uint32_t)(rate * (warm_up + seconds));
    load.places = memory(NULL, (load.count + 1) * sizeof *load.places);
    for (size_t each = 0; each < room_count; each++) rooms[each].count = 0;
    for (size_t each = 0; each < client_count; each++) clients[each].place = 0, clients[each].hole_count = 0;
}

static void turn_until(int64_t moment_ns) {
    while (now_ns() < moment_ns) turn(moment_ns);
}

/* Until everything was told, or the server has long said nothing. */
static void settle(double seconds) {
    int64_t deadline = load.to_ns + (int64_t)(seconds * (double)SECOND_NS);
    while (load.told < load.to_be_told) {
        int64_t now = now_ns(), last = load.last_told_ns > load.to_ns ? load.last_told_ns : load.to_ns;
        if (now > deadline || now > last + QUIET_SECONDS * SECOND_NS) return;
        turn(now + IDLE_NS);
    }
}

static void print_load(double cpu) {
    printf("{\"event\": \"loaded\", \"offered_per_second\": %g, \"seconds\": %g", load.rate, load.seconds);
    printf(", \"posts\": %u", load.sent);
    printf(", \"posts_per_second\": %.3f", (double)load.sent_in_time / load.seconds);
    printf(", \"deliveries_per_second\": %.3f", (double)load.told_in_time / load.seconds);
    printf(", \"delivered\": %ju, \"missing\": %ju", (uintmax_t)load.told, (uintmax_t)missing());
    printf(", \"twice\": %ju, \"out_of_order\": %ju", (uintmax_t)load.twice, (uintmax_t)load.out_of_order);
    printf(", \"foreign\": %ju, \"stale\": %ju", (uintmax_t)load.foreign, (uintmax_t)load.stale);
    printf(", \"lost_connections\": %zu, \"generator_cpu\": %.3f", lost, cpu / load.seconds);
    int64_t settled_ns = load.last_told_ns > load.to_ns ? load.last_told_ns - load.to_ns : 0;
    printf(", \"settled_seconds\": %.3f", (double)settled_ns / 1e9);
    print_histogram("delivery_ms", &load.latency);
    print_histogram("lateness_ms", &load.lateness);
    say("}");
}

/* "measuring" and "measured" are said at their moments, so that the server's CPU can be read then. */
static void obey(void) {
    double rate, warm_up, seconds, settle_seconds;
    char *end = memchr(order.at, '\n', order.used);
    *end = '\0';
    if (sscanf(order.at, "%lf %lf %lf %lf", &rate, &warm_up, &seconds, &settle_seconds) != 4 || rate <= 0)
        die("\"%s\" is no order", order.at);
    cut_front(&order, (size_t)(end - order.at) + 1);
    ordered = memchr(order.at, '\n', order.used) != NULL;
    if (!poster_count) die("nobody posts in this script");
    plan(rate, warm_up, seconds);
    turn_until(load.from_ns);
    say("{\"event\": \"measuring\"}");
    double cpu = cpu_seconds();
    turn_until(load.to_ns);
    cpu = cpu_seconds() - cpu;
    say("{\"event\": \"measured\"}");
    settle(settle_seconds);
    print_load(cpu);
}

int main(int count, char **words) {
    if (count != 2) {
        fputs("usage: load SCRIPT\n", stderr);
        return 2;
    }
    read_script(words[1]);
    list_posters();
    if ((poller = epoll_create1(0)) < 0) die("epoll_create1: %s", strerror(errno));
    connect_all();
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event)) die("orders come through a pipe");
    while (ordered || !ended) {
        if (ordered) obey();
        else turn(now_ns() + IDLE_NS);
    }
    return 0;
}
