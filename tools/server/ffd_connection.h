/* SPDX-License-Identifier: MIT */
/*
 * ffd_connection.h - a connection of a Russian register, shared by the two files that serve it.
 *
 *   Threads  the owning shard
 */
#ifndef CHEK_SERVER_FFD_CONNECTION_H
#define CHEK_SERVER_FFD_CONNECTION_H

#include "ingest/ffd_document.h"
#include "ingest/ffd_session.h"
#include "tools/server/ffd.h"

/* A message, and what may arrive after reading was paused. */
#define SERVER_FFD_CARRY_SIZE ((size_t)512 * 1024)

/* What is fed for a message. */
enum ffd_step {
    FFD_FEEDS_DOCUMENT,
    FFD_FEEDS_REGISTER, /* what a registration says of the register, and then */
    FFD_FEEDS_NUMBER,   /* the number, as of any report */
};

/* A document at work; its connection may go away meanwhile. */
struct ffd_job {
    struct chek_feed_inside inside;
    struct chek_list link; /* free */
    struct server__ffd *ffd;
    struct ffd_connection *connection;
    struct chek_ffd_reply reply;
    uint8_t step; /* enum ffd_step */
    bool of_registration;
    bool has_more; /* its number is fed behind it */
};

struct ffd_connection {
    struct chek_stream stream;
    struct server__ffd *ffd;
    struct chek_list link; /* free, or open: the one that was active longest ago first */
    struct chek_list wait_link;
    struct ffd_job *job; /* at work */
    uint8_t *carry;      /* CARRY_SIZE, then the answer's bytes */
    size_t carry_size, touched_size;
    size_t message_size; /* of the one at work */
    uint64_t active_ns;
    bool committed, wants_answer;
    bool registered; /* the message at work is a registration, and the register knows of it */
    bool running, sending, ended, paused, closing;
};

struct server__ffd {
    struct chek_listener listener;
    struct server__shard *shard;
    struct chek_bytes_view operator_inn;
    struct chek_ffd_maker *maker;
    struct ffd_connection *connections;
    struct ffd_job *jobs;
    uint8_t *memory;
    struct chek_list free, open, waiting, jobs_free;
    uint32_t job_open_count;
    struct chek_op look_op;
    bool stopping;
    struct server__ffd_counters counters;
};

/* ffd_listener.c */
void server__ffd_close(struct ffd_connection *connection);
/* Something whole has happened: the next has its time from here on. */
void server__ffd_touch(struct ffd_connection *connection);

/* ffd_message.c */
/* A document that was fed is back, or there was no room for it. */
void server__ffd_fed(struct chek_feed_inside *inside, int error, const struct chek_result *result);
/* Take messages one after another, as long as nothing has to be waited for. */
void server__ffd_run(struct ffd_connection *connection);

#endif
