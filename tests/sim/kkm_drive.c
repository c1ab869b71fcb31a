/* SPDX-License-Identifier: MIT */
/*
 * kkm_drive.c - who adds the registers, and the phases of a run that are theirs.
 */
#include "tests/sim/kkm_drive.h"

#include <stdio.h>

#include "tests/sim/kkm_run.h"

static struct kkm_run *
run_of(struct peer_run *peer)
{
    return CHEK_CONTAINER_OF(peer, struct kkm_run, peer);
}

/* ---- the administrator ------------------------------------------------------------------------ */

static void
register_add(struct kkm_run *run)
{
    uint8_t bytes[TILL_FRAME_SIZE];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    char name[16];
    uint32_t device = run->tills[run->added_count].device;
    int size = snprintf(name, sizeof name, "R%u", device);
    struct chek_register_key key = {.kind = CHEK_KEY_KIND_REGISTRATION_NUMBER,
                                    .value = chek_bytes_view_of(name, (size_t)size)};
    struct chek_register profile = {.keys = &key,
                                    .keys_count = 1,
                                    .organisation = shop_organisation(device),
                                    .point = shop_point(device)};
    struct chek_kkm_add what = {.profile = &profile, .device = device, .token = 1000 + device};
    size_t begin = chek_frame_begin(&out);
    chek_kkm_add_encode(&out, &what);
    peer_client_send(&run->admin, CHEK_OPCODE_KKM_ADD, &out, begin);
    run->is_adding = true;
}

/*
 * What was sent when a line went may still be on its way through the server, and would undo what came
 * after it: an administrator who goes on at once cannot tell what there is. Whoever knows his last
 * word waits until no copy of it can be left.
 */
#define COPY_NS UINT64_C(60000000000)

static bool
all_added(const struct kkm_run *run)
{
    return run->added_count == TILL_COUNT;
}

static void
shop_change(struct kkm_run *run)
{
    static uint8_t bytes[SHOP_FRAME_SIZE];
    uint16_t opcode;
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    size_t begin = chek_frame_begin(&out);
    if (shop_change_encode(run, &out, &opcode)) {
        peer_client_send(&run->admin, opcode, &out, begin);
        run->is_adding = true;
    }
}

/* One that heard nothing adds again: then it is there already. */
static void
on_frame(struct peer_client *admin, const struct chek_frame *frame)
{
    struct kkm_run *run = CHEK_CONTAINER_OF(admin, struct kkm_run, admin);
    int code = peer_refusal(frame);
    if (code == CHEK_E_EXISTS) {
        run->added_count += 1;
    } else if (code != CHEK_OK && !peer_is_temporary(code)) {
        peer_violate(&run->peer, "adding a register: %s", chek_error_name(code));
    } else if (code == CHEK_OK && all_added(run)) {
        shop_change_done(run, frame->body);
    } else if (code == CHEK_OK) {
        run->added_count += 1;
    }
    run->is_adding = false;
}

static void
admin_step(struct kkm_run *run)
{
    if (run->peer.is_ending) {
        peer_line_drop(&run->admin.line);
        return;
    }
    uint64_t now_ns = chek_world_now_ns(run->peer.world);
    if (!peer_line_step(&run->admin.line)) {
        if (run->is_adding) {
            run->copy_ns = now_ns + COPY_NS;
        }
        run->is_adding = false;
        if (run->peer.is_ready) {
            peer_client_connect(&run->admin);
        }
    } else if (run->admin.is_in && !run->is_adding && !all_added(run)) {
        register_add(run);
    } else if (run->admin.is_in && !run->is_adding && now_ns >= run->copy_ns) {
        shop_change(run);
    }
}

/* ---- phases ----------------------------------------------------------------------------------- */

static void
kkm_begin(struct peer_run *peer)
{
    struct kkm_run *run = run_of(peer);
    peer->config.cpcr = PEER_DEVICE_ADDRESS;
    peer_client_begin(&run->admin, peer, on_frame);
    for (uint32_t i = 0; i < TILL_COUNT; i++) {
        till_begin(&run->tills[i], run, 1 + i);
    }
}

static void
kkm_step(struct peer_run *peer)
{
    struct kkm_run *run = run_of(peer);
    admin_step(run);
    for (unsigned i = 0; i < run->added_count; i++) {
        till_step(&run->tills[i]);
    }
}

static bool
kkm_is_done(struct peer_run *peer)
{
    const struct kkm_run *run = run_of(peer);
    bool done = all_added(run);
    for (unsigned i = 0; i < TILL_COUNT; i++) {
        done = done && run->tills[i].state == TILL_DONE;
    }
    return done;
}

static void
kkm_drop(struct peer_run *peer)
{
    struct kkm_run *run = run_of(peer);
    for (unsigned i = 0; i < TILL_COUNT; i++) {
        peer_line_drop(&run->tills[i].line);
    }
}

/* Every register hears its last answer once more, and then asks. */
static void
kkm_end(struct peer_run *peer)
{
    struct kkm_run *run = run_of(peer);
    kkm_drop(peer);
    for (unsigned i = 0; i < TILL_COUNT; i++) {
        till_repeat(&run->tills[i]);
    }
    peer_settle(peer);
    for (unsigned i = 0; i < TILL_COUNT * SHOP_COUNT * 2; i++) {
        peer_line_drop(&run->tills[i % TILL_COUNT].line);
        shop_ask(&run->tills[i % TILL_COUNT]);
        peer_settle(peer);
    }
}

const struct peer_kind kkm_kind = {
    .counters =
        {
            {"documents", PEER_SEED_COUNT},
            {"repeats", PEER_SEED_COUNT},
            {"pings", PEER_SEED_COUNT},
            {"asks", PEER_SEED_COUNT},
            {"limited", 1},
            {"Z", PEER_SEED_COUNT},
        },
    .begin = kkm_begin,
    .step = kkm_step,
    .is_done = kkm_is_done,
    .end = kkm_end,
    .drop = kkm_drop,
};

struct peer_result
kkm_drive(uint64_t seed, enum peer_lines lines)
{
    static struct kkm_run run;
    run = (struct kkm_run){.peer.kind = &kkm_kind};
    peer_drive(&run.peer, seed, lines);
    return run.peer.result;
}
