/* SPDX-License-Identifier: MIT */
/*
 * kkm_fleet_run.h - a fleet and its connections. Inside the room.
 */
#ifndef CHEK_KKM_FLEET_RUN_H
#define CHEK_KKM_FLEET_RUN_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "tools/kkm/kkm_fleet.h"

#define KKM__EVENT_COUNT 256
#define KKM__NEVER_NS UINT64_MAX
#define KKM__UNHEARD_COUNT_MAX 256 /* registers that wait for their first answer */

enum kkm__link_state {
    KKM__LINK_IDLE,       /* no connection; connects at `due_ns` */
    KKM__LINK_CONNECTING, /* until `due_ns` at most */
    KKM__LINK_SENDING,    /* a part of the request is still here */
    KKM__LINK_WAITING,    /* for the answer, until `due_ns` at most */
    KKM__LINK_PAUSING,    /* connected; says the same again at `due_ns` */
    KKM__LINK_GONE,       /* the register needs no connection any more */
};

/* A register's connection. */
struct kkm__link {
    int fd; /* -1: none */
    uint8_t state;
    bool was_heard; /* an answer came once */
    struct chek_kkm_cut cut;
    uint64_t due_ns;
    uint64_t begin_ns;   /* of the request in flight, or of connecting for it */
    uint32_t fail_count; /* in a row */
    uint8_t *rest;       /* what did not go out at once, or came without its end */
    uint32_t rest_size, rest_at;
};

struct kkm__fleet {
    const struct chek_kkm_options *options;
    struct chek_kkm_shared shared;
    struct chek_kkm_run *run;
    struct chek_kkm_register *registers;
    struct kkm__link *links;
    uint32_t begun_count, heard_count, gone_count; /* registers */
    int epoll;
    uint64_t now_ns, answer_ns; /* the last answer's */
    struct sockaddr_storage address;
    socklen_t address_size;
    bool is_local;
    uint8_t request[CHEK_KKM_REQUEST_SIZE_MAX];
    uint8_t answer[CHEK_KKM_PACKET_SIZE_MAX + 1];
};

uint64_t kkm__now_ns(void);

/* Begin to connect. Without a connection the register tries again later. */
void kkm__link_connect(struct kkm__fleet *fleet, uint32_t index);

/* Close what there is; the register is told when it waits for an answer, and tries again later. */
void kkm__link_break(struct kkm__fleet *fleet, uint32_t index, bool is_reset);

/* Close what there is, for good. */
void kkm__link_end(struct kkm__fleet *fleet, uint32_t index);

/* The time of an idle or silent connection has come. */
void kkm__link_due(struct kkm__fleet *fleet, uint32_t index);

/* Something happened to the socket. */
void kkm__link_event(struct kkm__fleet *fleet, uint32_t index, uint32_t events);

#endif
