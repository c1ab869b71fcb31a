/* SPDX-License-Identifier: MIT */
/*
 * ffd_message.c - what Russian registers send, and what they are answered.
 *
 * A message stays in its connection's buffer until it is answered: when there is no room to feed
 * its document, the connection waits and it is read again.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/planted.h"
#include "tools/server/ffd_connection.h"

/* Nothing is known of a document's fate: the register sends it again. */
static void
connection_give_up(struct ffd_connection *connection)
{
    connection->ffd->counters.unanswered_count += 1;
    server__ffd_close(connection);
}

/* ---- answers ---------------------------------------------------------------------------------- */

/* The message at work is over: it leaves the buffer, and what was written behind is sent. */
static void
message_end(struct ffd_connection *connection, size_t answer_size)
{
    CHEK_ASSERT(connection->message_size != 0 &&
                connection->message_size <= connection->carry_size);
    connection->carry_size -= connection->message_size;
    memmove(connection->carry, connection->carry + connection->message_size,
            connection->carry_size);
    connection->message_size = 0;
    connection->registered = false;
    server__ffd_touch(connection);
    if (answer_size != 0 && connection->wants_answer) {
        connection->sending = true;
        chek_stream_send(&connection->stream, connection->carry + SERVER_FFD_CARRY_SIZE,
                         answer_size);
    }
}

static void
document_answer(struct ffd_connection *connection, const struct chek_ffd_reply *reply,
                enum chek_ffd_verdict verdict)
{
    struct chek_writer out =
        chek_writer_over(connection->carry + SERVER_FFD_CARRY_SIZE, CHEK_FFD_ANSWER_SIZE_MAX);
    connection->ffd->counters.refusal_count += verdict != CHEK_FFD_ACCEPTED;
    chek_ffd_reply_write(reply, verdict, connection->ffd->operator_inn, &out);
    message_end(connection, out.size);
}

/* What was fed counts also when nobody is left to be answered. */
static void
result_count(struct ffd_job *job, enum chek_ffd_verdict verdict, const struct chek_result *result)
{
    struct server__ffd_counters *counters = &job->ffd->counters;
    if (verdict != CHEK_FFD_ACCEPTED) {
        return;
    }
    if (job->step == FFD_FEEDS_REGISTER) {
        counters->registration_count += 1;
    } else if (job->step == FFD_FEEDS_NUMBER) {
        counters->passed_count += !job->of_registration;
    } else if (result->status == CHEK_STATUS_DUPLICATE) {
        counters->duplicate_count += 1;
    } else {
        counters->stored_count += 1;
    }
}

/* A report of a register that nobody knows is passed over: its number is below all that will be
 * known. (R10) */
static enum chek_ffd_verdict
verdict_of(const struct ffd_job *job, int error, const struct chek_result *result)
{
    bool is_unknown = error == CHEK_OK && result->status == CHEK_STATUS_REFUSED &&
                      result->code == (uint32_t)-CHEK_E_UNREGISTERED;
    return job->step == FFD_FEEDS_NUMBER && is_unknown ? CHEK_FFD_ACCEPTED
                                                       : chek_ffd_verdict_of(error, result);
}

void
server__ffd_fed(struct chek_feed_inside *inside, int error, const struct chek_result *result)
{
    struct ffd_job *job = CHEK_CONTAINER_OF(inside, struct ffd_job, inside);
    struct server__ffd *ffd = job->ffd;
    struct ffd_connection *connection = job->connection;
    enum chek_ffd_verdict verdict = verdict_of(job, error, result);
    result_count(job, verdict, result);
    if (connection != NULL) {
        connection->job = NULL;
    }
    ffd->job_open_count -= 1;
    chek_list_add(ffd->jobs_free.next, &job->link);
    if (connection == NULL || connection->closing) {
        return;
    }
    if (error == CHEK_E_BUSY) {
        ffd->counters.wait_count += 1;
        chek_list_add(&ffd->waiting, &connection->wait_link);
        return;
    }
    if (verdict == CHEK_FFD_NO_VERDICT) {
        connection_give_up(connection);
        return;
    }
    if (job->has_more && verdict == CHEK_FFD_ACCEPTED) {
        /* The message is read again, for its number. */
        connection->registered = true;
        chek_list_add(&ffd->waiting, &connection->wait_link);
        return;
    }
    document_answer(connection, &job->reply, verdict);
    /* Not from here: whoever tells is in the middle of taking documents. The turn goes on with it,
     * on_sent, or the run that has fed this one. */
    if (!connection->running && !connection->sending) {
        chek_list_add(&ffd->waiting, &connection->wait_link);
    }
}

/* ---- questions -------------------------------------------------------------------------------- */

static enum ffd_step
step_of(const struct ffd_connection *connection, const struct chek_ffd_made *made)
{
    return made->kept                                   ? FFD_FEEDS_DOCUMENT
           : made->registers && !connection->registered ? FFD_FEEDS_REGISTER
                                                        : FFD_FEEDS_NUMBER;
}

/* Feed what a document became. It may be answered inside of this call. */
static void
document_feed(struct ffd_connection *connection, const struct chek_ffd_made *made,
              const struct chek_ffd_reply *reply)
{
    struct server__ffd *ffd = connection->ffd;
    struct ffd_job *job = CHEK_CONTAINER_OF(ffd->jobs_free.next, struct ffd_job, link);
    chek_list_remove(&job->link);
    ffd->job_open_count += 1;
    job->connection = connection;
    job->reply = *reply;
    job->step = (uint8_t)step_of(connection, made);
    job->of_registration = made->registers;
    job->has_more = job->step == FFD_FEEDS_REGISTER && made->noted;
    connection->job = job;
    if (CHEK_PLANTED(DRIVE_ANSWERED_EARLY) ||
        (CHEK_PLANTED(REPORT_ANSWERED_EARLY) && job->step == FFD_FEEDS_NUMBER)) {
        connection->job = NULL;
        job->connection = NULL;
        document_answer(connection, reply, CHEK_FFD_ACCEPTED);
    }
    if (job->step == FFD_FEEDS_REGISTER) {
        chek_feed_register(ffd->shard->feeds, &job->inside, made->document.profile);
    } else {
        chek_feed_document(ffd->shard->feeds, &job->inside, &made->document);
    }
}

static void
document_take(struct ffd_connection *connection, const struct chek_ffd_asked_message *asked)
{
    struct server__ffd *ffd = connection->ffd;
    struct chek_ffd_reply reply = chek_ffd_reply_to(asked);
    struct chek_ffd_made made;
    struct chek_fault fault = {0};
    char why[CHEK_FFD_WHY_SIZE];
    int error = chek_ffd_make(ffd->maker, &asked->found, &made, &fault, why);
    if (error != CHEK_OK) {
        document_answer(connection, &reply, CHEK_FFD_NOT_VALID);
        return;
    }
    if (!made.kept && !made.noted && !made.registers) {
        ffd->counters.passed_count += 1;
        document_answer(connection, &reply, CHEK_FFD_ACCEPTED);
        return;
    }
    document_feed(connection, &made, &reply);
}

static void
message_take(struct ffd_connection *connection, const struct chek_ffd_asked_message *asked)
{
    struct chek_ffd_reply reply = chek_ffd_reply_to(asked);
    struct server__ffd_counters *counters = &connection->ffd->counters;
    connection->message_size = asked->size;
    connection->wants_answer = asked->wants_answer;
    if (asked->kind == CHEK_FFD_DOCUMENT) {
        document_take(connection, asked);
    } else if (asked->kind == CHEK_FFD_REFUSED) {
        counters->encrypted_count += asked->found.encrypted;
        document_answer(connection, &reply, (enum chek_ffd_verdict)asked->verdict);
    } else {
        struct chek_writer out =
            chek_writer_over(connection->carry + SERVER_FFD_CARRY_SIZE, CHEK_FFD_ANSWER_SIZE_MAX);
        counters->ping_count += 1;
        chek_ffd_ping_write(&reply, &out);
        message_end(connection, out.size);
    }
}

/* Take the first whole message, if there is one and room for it. False: not now. */
static bool
connection_step(struct ffd_connection *connection)
{
    struct server__ffd *ffd = connection->ffd;
    struct chek_ffd_asked_message asked;
    if (connection->job != NULL || connection->sending || connection->closing ||
        !chek_list_is_empty(&connection->wait_link)) {
        return false;
    }
    int error =
        chek_ffd_asked_read(chek_bytes_view_of(connection->carry, connection->carry_size), &asked);
    if (error == CHEK_E_SHORT) {
        if (connection->ended || ffd->stopping) {
            server__ffd_close(connection);
        }
        return false;
    }
    if (error != CHEK_OK) { /* S2: where the next message begins is not known any more */
        ffd->counters.frame_error_count += 1;
        server__ffd_close(connection);
        return false;
    }
    if (chek_list_is_empty(&ffd->jobs_free)) {
        ffd->counters.wait_count += 1;
        chek_list_add(&ffd->waiting, &connection->wait_link);
        return false;
    }
    ffd->counters.message_count += connection->message_size == 0;
    message_take(connection, &asked);
    return true;
}

void
server__ffd_run(struct ffd_connection *connection)
{
    if (connection->running) {
        return;
    }
    connection->running = true;
    while (connection_step(connection)) {
        /* what is answered inside of that goes on here */
    }
    connection->running = false;
}
