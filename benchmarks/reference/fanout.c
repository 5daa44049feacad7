/* What fan-out costs when nothing else is done: the floor that figures of hubbub are put beside.

   A client connects, and its first line names a room; it is sent the same line back when it is in. Every
   further line is sent to everybody in that room, its sender included. Nothing is parsed, checked, numbered
   or framed. In the room "echo" everybody is alone, so that a line comes back as its own acknowledgement.

   usage: fanout plain PORT          one send() for each line and reader
          fanout joined PORT         what one round of epoll_wait brought for a room is sent in one piece
          fanout durable PORT FILE   the same, and the round is on disk before anybody is sent it

   It listens on the loopback only; port 0 takes a free one. It says where on standard output, and when it is
   ended by SIGTERM or SIGINT what it has done, as JSON.

   One thread. Linux. Always true between two rounds:
     * no client is doomed: those were closed;
     * a client has `out` exactly when its socket was full, and it is then woken by EPOLLOUT;
     * no room has anything in `said`. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_BYTES = 1 << 16,
    LINE_BYTES = 1 << 16,     /* of a line that does not end; a longer one is not from a load generator */
    PENDING_BYTES = 1 << 20,  /* what waits for one full socket; at more its reader is given up */
    NAME_BYTES = 64,
    ROUND_EVENTS = 16384,     /* all connections that have something, so that a round joins all there is */
    BACKLOG = 4096,
};

struct bytes {
    char *at;
    size_t used, space;
};

struct client {
    int fd;
    struct room *room; /* NULL until its first line has come */
    size_t place;      /* in the room's members */
    struct bytes in;   /* a line whose end is missing */
    struct bytes out;  /* what its socket has not taken */
    bool doomed;
    struct client *next_doomed;
};

struct room {
    char name[NAME_BYTES];
    struct client **members;
    size_t count, space;
    struct bytes said; /* in this round */
    struct room *next, *next_grown;
};

static bool joining, durable;
static int poller, file = -1;
static struct room *rooms, *grown;
static struct client *doomed;
static struct bytes round_lines; /* what goes to disk */
static volatile sig_atomic_t stopping;

static struct {
    uint64_t clients, lines, sends, full, dropped, syncs;
} tally;

static void fail(const char *what) {
    fprintf(stderr, "fanout: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void *memory(void *old, size_t size) {
    void *got = realloc(old, size);
    if (!got) fail("no memory");
    return got;
}

static void put(struct bytes *to, const char *from, size_t count) {
    if (to->used + count > to->space) {
        to->space = (to->used + count) * 2;
        to->at = memory(to->at, to->space);
    }
    memcpy(to->at + to->used, from, count);
    to->used += count;
}

static void drop(struct bytes *these) {
    free(these->at);
    *these = (struct bytes){0};
}

/* -- rooms ----------------------------------------------------------------------------------------- */

static struct room *new_room(const char *name, size_t size) {
    struct room *room = memory(NULL, sizeof *room);
    *room = (struct room){0};
    memcpy(room->name, name, size < NAME_BYTES ? size : NAME_BYTES - 1);
    return room;
}

static struct room *room_called(const char *name, size_t size) {
    if (size == 4 && !memcmp(name, "echo", 4)) return new_room(name, size);
    for (struct room *room = rooms; room; room = room->next)
        if (strlen(room->name) == size && !memcmp(room->name, name, size)) return room;
    struct room *room = new_room(name, size);
    room->next = rooms;
    return rooms = room;
}

static void enter(struct client *who, struct room *room) {
    if (room->count == room->space) {
        room->space = room->space ? room->space * 2 : 1;
        room->members = memory(room->members, room->space * sizeof *room->members);
    }
    who->room = room;
    who->place = room->count;
    room->members[room->count++] = who;
}

/* A room stays when it is empty, but for one that is nobody else's. */
static void leave(struct client *who) {
    struct room *room = who->room;
    if (!room) return;
    struct client *last = room->members[--room->count];
    room->members[who->place] = last;
    last->place = who->place;
    if (!strcmp(room->name, "echo")) {
        free(room->members);
        drop(&room->said);
        free(room);
    }
}

/* -- sending --------------------------------------------------------------------------------------- */

static void wake_for(struct client *who, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = who};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, who->fd, &event)) fail("epoll_ctl");
}

/* Closed at the end of the round: until then others may still point to it. */
static void doom(struct client *who) {
    if (who->doomed) return;
    who->doomed = true;
    who->next_doomed = doomed;
    doomed = who;
}

/* How much the socket took; a socket that is broken took nothing and dooms its client. */
static size_t try_send(struct client *to, const char *from, size_t count) {
    tally.sends++;
    ssize_t sent = send(to->fd, from, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return (size_t)sent;
    if (errno != EAGAIN && errno != EINTR) doom(to);
    return 0;
}

static void deliver(struct client *to, const char *from, size_t count) {
    if (to->doomed) return;
    size_t sent = 0;
    if (!to->out.used) {
        sent = try_send(to, from, count);
        if (sent == count || to->doomed) return;
        tally.full++;
        wake_for(to, EPOLLIN | EPOLLOUT);
    }
    if (to->out.used + count - sent > PENDING_BYTES) {
        tally.dropped++;
        doom(to);
        return;
    }
    put(&to->out, from + sent, count - sent);
}

static void send_pending(struct client *to) {
    size_t sent = try_send(to, to->out.at, to->out.used);
    to->out.used -= sent;
    memmove(to->out.at, to->out.at + sent, to->out.used);
    if (to->out.used || to->doomed) return;
    drop(&to->out);
    wake_for(to, EPOLLIN);
}

static void deliver_to_room(struct room *room, const char *from, size_t count) {
    for (size_t each = 0; each < room->count; each++) deliver(room->members[each], from, count);
}

/* -- lines ----------------------------------------------------------------------------------------- */

static void take_line(struct client *from, const char *line, size_t size) {
    if (!from->room) {
        enter(from, room_called(line, size - 1));
        deliver(from, line, size);
        return;
    }
    tally.lines++;
    if (!joining) {
        deliver_to_room(from->room, line, size);
        return;
    }
    if (!from->room->said.used) {
        from->room->next_grown = grown;
        grown = from->room;
    }
    put(&from->room->said, line, size);
    if (durable) put(&round_lines, line, size);
}

/* Every whole line; returns where the rest begins. */
static const char *take_lines(struct client *from, const char *at, const char *end) {
    for (const char *found; (found = memchr(at, '\n', (size_t)(end - at))); at = found + 1)
        take_line(from, at, (size_t)(found + 1 - at));
    return at;
}

static void take(struct client *from) {
    static char heard[READ_BYTES];
    ssize_t count = recv(from->fd, heard, sizeof heard, MSG_DONTWAIT);
    if (count <= 0) {
        if (count == 0 || (errno != EAGAIN && errno != EINTR)) doom(from);
        return;
    }
    if (!from->in.used) {
        const char *rest = take_lines(from, heard, heard + count);
        if (rest < heard + count) put(&from->in, rest, (size_t)(heard + count - rest));
        return;
    }
    put(&from->in, heard, (size_t)count);
    const char *rest = take_lines(from, from->in.at, from->in.at + from->in.used);
    from->in.used -= (size_t)(rest - from->in.at);
    memmove(from->in.at, rest, from->in.used);
    if (from->in.used > LINE_BYTES) doom(from);
    if (!from->in.used) drop(&from->in);
}

/* -- rounds ---------------------------------------------------------------------------------------- */

static void save_round(void) {
    for (size_t at = 0; at < round_lines.used;) {
        ssize_t wrote = write(file, round_lines.at + at, round_lines.used - at);
        if (wrote < 0) fail("write");
        at += (size_t)wrote;
    }
    if (fdatasync(file)) fail("fdatasync");
    tally.syncs++;
    round_lines.used = 0;
}

static void end_round(void) {
    if (round_lines.used) save_round();
    while (grown) {
        struct room *room = grown;
        grown = room->next_grown;
        deliver_to_room(room, room->said.at, room->said.used);
        room->said.used = 0;
    }
    while (doomed) {
        struct client *who = doomed;
        doomed = who->next_doomed;
        leave(who);
        close(who->fd);
        drop(&who->in);
        drop(&who->out);
        free(who);
    }
}

static void welcome(int listener) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct client *who = memory(NULL, sizeof *who);
        *who = (struct client){.fd = fd};
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = who};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
        tally.clients++;
    }
}

static void serve(int listener) {
    static struct epoll_event events[ROUND_EVENTS];
    while (!stopping) {
        int count = epoll_wait(poller, events, ROUND_EVENTS, -1);
        if (count < 0 && errno != EINTR) fail("epoll_wait");
        for (int each = 0; each < count; each++) {
            struct client *who = events[each].data.ptr;
            if (!who) {
                welcome(listener);
                continue;
            }
            if (!who->doomed && events[each].events & EPOLLOUT && who->out.used) send_pending(who);
            if (!who->doomed && events[each].events & ~(uint32_t)EPOLLOUT) take(who);
        }
        end_round();
    }
}

/* -- start and end --------------------------------------------------------------------------------- */

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    if (fd < 0) fail("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&where, size) || listen(fd, BACKLOG)) fail("listen");
    getsockname(fd, (struct sockaddr *)&where, &size);
    printf("fanout listens on 127.0.0.1:%d\n", ntohs(where.sin_port));
    fflush(stdout);
    return fd;
}

static void stop(int signal) {
    (void)signal;
    stopping = 1;
}

static int misused(void) {
    fputs("usage: fanout plain|joined PORT, or fanout durable PORT FILE\n", stderr);
    return 2;
}

int main(int count, char **words) {
    const char *mode = count > 1 ? words[1] : "";
    durable = !strcmp(mode, "durable");
    joining = durable || !strcmp(mode, "joined");
    if ((!joining && strcmp(mode, "plain")) || count != (durable ? 4 : 3)) return misused();
    if (durable) file = open(words[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (durable && file < 0) fail(words[3]);
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if ((poller = epoll_create1(0)) < 0) fail("epoll_create1");
    int listener = listen_on(atoi(words[2]));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event)) fail("epoll_ctl");
    serve(listener);
    printf("{\"clients\": %ju, \"lines\": %ju, \"sends\": %ju, \"full_sockets\": %ju, \"dropped\": %ju,"
           " \"syncs\": %ju}\n",
           (uintmax_t)tally.clients, (uintmax_t)tally.lines, (uintmax_t)tally.sends, (uintmax_t)tally.full,
           (uintmax_t)tally.dropped, (uintmax_t)tally.syncs);
    return 0;
}
