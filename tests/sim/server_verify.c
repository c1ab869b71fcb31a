/* SPDX-License-Identifier: MIT */
/*
 * server_verify.c - the verifier, who asks for everything while nobody feeds.
 */
#include "tests/sim/server_run.h"

/* What it asks for of each register, in this order. */
enum { TASK_LIST, TASK_REPORTS, TASK_SHIFTS, TASK_SUMS, TASK_COUNT };
#define TASK_REGISTERS 0
#define TASK_EVENTS (1 + STORY_REGISTER_COUNT * TASK_COUNT)

void
run_verify_begin(struct run *run, uint64_t wait_steps)
{
    struct run_client *verifier = &run->clients[RUN_CLIENT_COUNT - 1];
    run->is_verifying = true;
    run->is_verified = false;
    verifier->task = verifier->task_shift = 0;
    verifier->task_sent = false;
    verifier->wait_steps = wait_steps;
}

/* What was in flight when the others fell silent has to come to its end. */
static bool
is_silent(struct run_client *client)
{
    for (unsigned i = 0; i < RUN_FEEDER_COUNT; i++) {
        if (run_request_count(&client->run->clients[i]) != 0) {
            return false;
        }
    }
    client->wait_steps -= client->wait_steps != 0;
    return client->wait_steps == 0;
}

static void
task_next(struct run_client *client)
{
    unsigned at = client->task != TASK_REGISTERS && client->task != TASK_EVENTS
                      ? (client->task - 1) / TASK_COUNT
                      : 0;
    bool is_report = client->task != TASK_REGISTERS && client->task != TASK_EVENTS &&
                     (client->task - 1) % TASK_COUNT == TASK_REPORTS;
    if (is_report && client->task_shift < client->run->story.registers[at].naive.last) {
        client->task_shift += 1;
        return;
    }
    client->task += 1;
    client->task_shift = 0;
}

/* Ask the next thing; false when there is nothing to ask about this one. */
static bool
task_send(struct run_client *client)
{
    struct run *run = client->run;
    if (client->task == TASK_REGISTERS) {
        run_ask_registers(client);
        return true;
    }
    if (client->task == TASK_EVENTS) {
        run_ask_events(client, true, false);
        return true;
    }
    unsigned at = (client->task - 1) / TASK_COUNT;
    if (run->journal.registers[at].registration == 0) {
        return false;
    }
    switch ((client->task - 1) % TASK_COUNT) {
    case TASK_LIST:
        run_ask_list(client, at);
        break;
    case TASK_REPORTS:
        /* Of a long story not every old shift every time. */
        if (client->task_shift != 0 && !run->is_ending && !run_chance(run, 50)) {
            return false;
        }
        run_ask_report(client, at, client->task_shift, false);
        break;
    case TASK_SHIFTS:
        run_ask_shifts(client, at);
        break;
    default:
        run_ask_sums(client, at);
    }
    return true;
}

void
run_verify_act(struct run_client *client)
{
    struct run *run = client->run;
    if (!run->is_verifying || run->is_verified || run_request_count(client) != 0 ||
        !is_silent(client)) {
        return;
    }
    if (client->task_sent) {
        client->task_sent = false;
        task_next(client);
    }
    if (client->task > TASK_EVENTS) {
        run->is_verified = true;
        return;
    }
    if (task_send(client)) {
        client->task_sent = true;
    } else {
        task_next(client);
    }
}
