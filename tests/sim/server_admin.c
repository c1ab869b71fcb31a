/* SPDX-License-Identifier: MIT */
/*
 * server_admin.c - a client that hands out tokens, takes them back, asks for snapshots and backups.
 *
 * Principal 0 of the journal is the first administrator; the others come and go. A new one is given
 * to a client at once; a revocation is wanted while its connections are open.
 */
#include <stdio.h>

#include "tests/sim/server_run.h"

static void
token_add(struct run_client *client)
{
    struct run *run = client->run;
    struct run_journal *journal = &run->journal;
    struct run_request *request = run_request_take(client, CHEK_OPCODE_TOKEN_ADD);
    if (request == NULL || journal->principal_count == RUN_PRINCIPAL_COUNT) {
        return;
    }
    struct run_principal *principal = &journal->principals[journal->principal_count];
    bool is_feeder = run_chance(run, 50);
    *principal = (struct run_principal){
        .state = TOKEN_ASKED,
        .organisation =
            is_feeder || run_chance(run, 30) ? -1 : (int)run_below(run, STORY_ORGANISATION_COUNT),
        .rights = 1u << CHEK_RIGHT_READ |
                  (is_feeder ? 1u << CHEK_RIGHT_INGEST : 1u << CHEK_RIGHT_PERSONS),
    };
    (void)snprintf(principal->name, sizeof principal->name, "user-%u", journal->principal_count);
    request->principal = journal->principal_count++;
    struct chek_token_add add = {.name = chek_bytes_view_text(principal->name),
                                 .rights = principal->rights,
                                 .trusted = is_feeder};
    struct chek_bytes_view organisation;
    struct chek_scope scope = {.organisations = &organisation, .organisations_count = 1};
    if (principal->organisation >= 0) {
        for (unsigned at = 0; at < STORY_REGISTER_COUNT; at++) {
            if ((int)run->story.registers[at].organisation == principal->organisation) {
                organisation = run->story.registers[at].profile.organisation;
            }
        }
        add.scope = &scope;
    }
    struct chek_writer out = run_body_begin(run);
    chek_token_add_encode(&out, &add);
    run_request_send(client, request, &out);
}

static void
token_revoke(struct run_client *client)
{
    struct run *run = client->run;
    struct run_journal *journal = &run->journal;
    unsigned at = 1 + (unsigned)run_below(run, RUN_PRINCIPAL_COUNT);
    if (at >= journal->principal_count || journal->principals[at].state != TOKEN_KNOWN) {
        return;
    }
    struct run_request *request = run_request_take(client, CHEK_OPCODE_TOKEN_REVOKE);
    if (request != NULL) {
        struct run_principal *principal = &journal->principals[at];
        struct chek_token_revoke revoke = {.principal = principal->number};
        struct chek_writer out = run_body_begin(run);
        if (principal->revoked_ns == 0 && !principal->revoke_asked && run_chance(run, 30)) {
            revoke = (struct chek_token_revoke){.name = chek_bytes_view_text(principal->name)};
        }
        principal->revoke_asked = true;
        request->principal = at;
        chek_token_revoke_encode(&out, &revoke);
        run_request_send(client, request, &out);
    }
}

static bool
is_backing_up(const struct run_client *client)
{
    for (unsigned i = 0; i < RUN_REQUEST_COUNT; i++) {
        if (client->requests[i].id != 0 && client->requests[i].opcode == CHEK_OPCODE_BACKUP) {
            return true;
        }
    }
    return false;
}

static void
nothing_send(struct run_client *client, uint16_t opcode)
{
    struct run_request *request = run_request_take(client, opcode);
    if (request != NULL) {
        struct chek_nothing nothing = {0};
        struct chek_writer out = run_body_begin(client->run);
        chek_nothing_encode(&out, &nothing);
        run_request_send(client, request, &out);
    }
}

void
run_admin_act(struct run_client *client)
{
    struct run *run = client->run;
    if (run->is_verifying || run_request_count(client) > 2 || !run_chance(run, 2)) {
        return;
    }
    switch (run_below(run, 12)) {
    case 0:
    case 1:
        token_add(client);
        break;
    case 2:
        token_revoke(client);
        break;
    case 3:
        nothing_send(client, CHEK_OPCODE_TOKENS);
        break;
    case 4:
        nothing_send(client, CHEK_OPCODE_PING);
        break;
    case 5:
        if (!is_backing_up(client)) {
            run_backup_begin(run);
            nothing_send(client, CHEK_OPCODE_BACKUP);
        }
        break;
    case 6:
    case 7:
        run_person_erase(client);
        break;
    case 8:
        run_person_list(client);
        break;
    default:
        nothing_send(client, CHEK_OPCODE_SNAPSHOT);
    }
}

/* ---- answers ---------------------------------------------------------------------------------- */

/* A new token goes to some client, who comes in with it. */
static void
token_use(struct run *run, unsigned principal)
{
    bool is_feeder = (run->journal.principals[principal].rights & 1u << CHEK_RIGHT_INGEST) != 0;
    unsigned index = is_feeder ? (unsigned)run_below(run, RUN_FEEDER_COUNT)
                               : RUN_FEEDER_COUNT + (unsigned)run_below(run, RUN_ASKER_COUNT);
    struct run_client *client = &run->clients[index];
    if (run->is_verifying || run->is_ending) {
        return;
    }
    run_client_drop(client);
    client->principal = principal;
    client->acknowledged = 0;
    client->offset_next = 1;
    client->cursor[0] = 0;
}

static void
on_token_added(struct run_client *client, const struct run_request *request,
               const struct chek_frame *frame)
{
    struct run *run = client->run;
    struct run_principal *principal = &run->journal.principals[request->principal];
    struct chek_token_added added;
    struct chek_fault fault;
    int error = chek_token_added_decode_whole(frame->body.bytes, frame->body.size, &run->arena,
                                              &added, &fault);
    if (error != CHEK_OK || added.token.size >= sizeof principal->token) {
        run_violate(run, "a new token cannot be read");
        return;
    }
    for (unsigned i = 0; i < run->journal.principal_count; i++) {
        if (run->journal.principals[i].number == added.principal) {
            run_violate(run, "principal %u is given out twice", added.principal);
        }
    }
    memcpy(principal->token, added.token.bytes, added.token.size);
    principal->number = added.principal;
    principal->state = TOKEN_KNOWN;
    principal->known_ns = chek_world_now_ns(run->world);
    token_use(run, request->principal);
}

/* Every principal that was confirmed is there, once; what is there was asked for. */
static void
on_tokens(struct run_client *client, const struct run_request *request,
          const struct chek_frame *frame)
{
    struct run *run = client->run;
    struct chek_principals list;
    struct chek_fault fault;
    uint32_t seen[RUN_PRINCIPAL_COUNT] = {0};
    int error = chek_principals_decode_whole(frame->body.bytes, frame->body.size, &run->arena,
                                             &list, &fault);
    for (uint32_t i = 0; error == CHEK_OK && i < list.principals_count; i++) {
        const struct chek_principal *shown = &list.principals[i];
        unsigned at = 0;
        while (at < run->journal.principal_count &&
               !chek_bytes_view_equal(shown->name,
                                      chek_bytes_view_text(run->journal.principals[at].name))) {
            at += 1;
        }
        if (at == run->journal.principal_count || seen[at]++ != 0) {
            run_violate(run, "principal %u is listed and was not made", shown->principal);
            return;
        }
        const struct run_principal *known = &run->journal.principals[at];
        if (shown->rights != known->rights ||
            (known->revoked_ns != 0 && request->sent_ns > known->revoked_ns && !shown->revoked) ||
            (shown->revoked && !known->revoke_asked) ||
            (known->state == TOKEN_KNOWN && shown->principal != known->number)) {
            run_violate(run, "principal %u is listed wrongly", shown->principal);
        }
    }
    for (unsigned at = 0; at < run->journal.principal_count; at++) {
        const struct run_principal *known = &run->journal.principals[at];
        if (known->state == TOKEN_KNOWN && known->known_ns < request->sent_ns && seen[at] == 0) {
            run_violate(run, "%s is not listed", known->name);
        }
    }
}

static void
on_revoked(struct run *run, const struct run_request *request)
{
    struct run_principal *principal = &run->journal.principals[request->principal];
    run->result.revoke_count += 1;
    if (principal->revoked_ns == 0) {
        principal->revoked_ns = chek_world_now_ns(run->world);
    }
}

void
run_admin_answer(struct run_client *client, struct run_request *request,
                 const struct chek_frame *frame)
{
    switch (request->opcode) {
    case CHEK_OPCODE_TOKEN_ADD:
        on_token_added(client, request, frame);
        break;
    case CHEK_OPCODE_TOKEN_REVOKE:
        on_revoked(client->run, request);
        break;
    case CHEK_OPCODE_TOKENS:
        on_tokens(client, request, frame);
        break;
    case CHEK_OPCODE_SNAPSHOT:
        client->run->result.snapshot_count += 1;
        break;
    case CHEK_OPCODE_BACKUP:
        run_backup_answer(client, frame);
        break;
    case CHEK_OPCODE_PERSON_ERASE:
    case CHEK_OPCODE_ASK_ERASURES:
    case CHEK_OPCODE_ASK_PERSON:
        run_person_answer(client->run, request, frame, (frame->head.flags & CHEK_FRAME_LAST) != 0);
        break;
    default:
        break;
    }
}

void
run_admin_refused(struct run_client *client, struct run_request *request, int error)
{
    const struct run_principal *principals = client->run->journal.principals;
    bool failed = error > -5000 || error == CHEK_E_CORRUPT; /* a snapshot on a failing disk */
    bool wanted =
        error == CHEK_E_BUSY ||
        (request->opcode == CHEK_OPCODE_TOKEN_REVOKE && error == CHEK_E_NOT_FOUND &&
         principals[request->principal].revoke_asked) ||
        ((request->opcode == CHEK_OPCODE_SNAPSHOT || request->opcode == CHEK_OPCODE_BACKUP) &&
         failed && !client->run->options.calm);
    if (!wanted) {
        run_violate(client->run, "opcode %u is refused with %s", request->opcode,
                    chek_error_name(error));
    }
    request->id = 0;
}
