/* SPDX-License-Identifier: MIT */
/*
 * fn_device.c - a fiscal drive: its documents, its line, and what it wants to hear.
 *
 * Documents are made ahead, from the seed; an answer is taken apart by hand, byte by byte.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/writer.h"
#include "ingest/ffd_session.h"
#include "ingest/ffd_tlv.h"
#include "tests/sim/fn_run.h"

#define TIME_FIRST 1785775440 /* 2026-08-03T16:44:00 */
#define PING_SIZE 30
#define FLAGS 0x16 /* a container, an answer is wanted, a sum over head and body */

enum {
    CODE_REGISTRATION = 1,
    CODE_OPEN = 2,
    CODE_RECEIPT = 3,
    CODE_CLOSE = 5,
    CODE_STATE = 21,
    ACCEPTED = 0,
    NOT_VALID = 14,
    NOTHING = 255
};

bool
fn_is_kept(uint16_t code)
{
    return code == CODE_RECEIPT || code == CODE_CLOSE;
}

/* ---- documents -------------------------------------------------------------------------------- */

static void
put_text(struct chek_writer *out, uint16_t tag, const char *text, size_t width)
{
    int error = chek_ffd_put_text(out, tag, chek_bytes_view_text(text), width);
    CHEK_ASSERT(error == CHEK_OK);
}

static void
receipt_put(struct chek_writer *out, int64_t total)
{
    chek_ffd_put_u8(out, 1054, 1);
    chek_ffd_put_u8(out, 1055, 1);
    chek_ffd_put_vln(out, 1020, (uint64_t)total);
    chek_ffd_put_vln(out, 1031, (uint64_t)total);
    size_t line = chek_ffd_open(out, 1059);
    put_text(out, 1030, "Хлеб", 0);
    chek_ffd_put_vln(out, 1079, (uint64_t)total);
    chek_ffd_put_fvln(out, 1023, 1000, 3);
    chek_ffd_put_vln(out, 1043, (uint64_t)total);
    chek_ffd_put_u8(out, 1199, 6);
    chek_ffd_close(out, line);
    put_text(out, 1008, "+79990000001", 0);
    put_text(out, 1228, "7825706086", 12);
}

/* The message that a document of a drive goes in. */
static void
message_make(const struct fn_device *device, const struct fn_document *document, uint32_t number,
             struct fn_bytes *ret)
{
    uint8_t bytes[FN_MESSAGE_SIZE];
    uint8_t body[FN_MESSAGE_SIZE];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    size_t opened = chek_ffd_open(&out, document->code);
    put_text(&out, 1041, device->number, 0);
    put_text(&out, 1037, "0000000006000031", 20);
    put_text(&out, 1018, "7825706086", 12);
    chek_ffd_put_u32(&out, 1040, number);
    chek_ffd_put_u32(&out, 1012, document->time);
    chek_ffd_put_bytes(&out, 1077, chek_bytes_view_of("\x31\x04\xd5\x2d\x9b\x9c", 6));
    chek_ffd_put_u32(&out, 1038, 1 + (number - 1) / 8);
    if (document->code == CODE_RECEIPT) {
        receipt_put(&out, document->total);
    }
    chek_ffd_close(&out, opened);
    struct chek_writer container = chek_writer_over(body, sizeof body);
    chek_ffd_container_write(&container, device->number, number,
                             chek_bytes_view_of(bytes, out.size));
    struct chek_ffd_message head = {.version = 0xa281, .format = 0x0105, .flags = FLAGS};
    memcpy(head.drive, device->number, CHEK_FFD_DRIVE_SIZE);
    struct chek_writer whole = chek_writer_over(ret->bytes, sizeof ret->bytes);
    chek_ffd_message_write(&whole, &head, chek_bytes_view_of(body, container.size));
    chek_writer_bytes(&whole, body, container.size);
    CHEK_ASSERT(!out.full && !container.full && !whole.full);
    ret->size = whole.size;
}

/* A shift of eight: an opening, receipts, a close; registration and state stand between. */
static uint16_t
code_of(struct fn_run *run, uint32_t index)
{
    return index == 0                       ? CODE_REGISTRATION
           : index % 8 == 1                 ? CODE_OPEN
           : index % 8 == 7                 ? CODE_CLOSE
           : peer_below(&run->peer, 6) == 0 ? CODE_STATE
                                            : CODE_RECEIPT;
}

/* ---- answers ---------------------------------------------------------------------------------- */

static uint32_t
element_number(const uint8_t *at, size_t size)
{
    uint32_t number = 0;
    for (size_t i = size; i > 0; i--) {
        number = number << 8 | at[i - 1];
    }
    return number;
}

/* What document 7 says: tags 1022, 1040 and 1012; `told[0]` NOTHING when it is none. */
static void
confirmation_read(const uint8_t *at, size_t size, uint32_t told[3])
{
    memset(told, 0xff, 3 * sizeof *told);
    told[0] = NOTHING;
    for (size_t i = 0; i + 4 <= size;) {
        uint32_t tag = element_number(at + i, 2);
        size_t value_size = element_number(at + i + 2, 2);
        const uint8_t *value = at + i + 4;
        if (tag == 7 || tag == 1068) { /* what is inside comes next */
            i += 4;
            continue;
        }
        if (i + 4 + value_size > size) {
            return;
        }
        if (tag == 1022 && value_size == 1) {
            told[0] = value[0];
        } else if (tag == 1040 || tag == 1012) {
            told[tag == 1040 ? 1 : 2] = element_number(value, value_size);
        }
        i += 4 + value_size;
    }
}

static const char *
answer_fault(const struct fn_device *device, const struct fn_bytes *answer)
{
    const struct fn_document *document = &device->documents[device->asked];
    uint32_t told[3];
    if (device->state == FN_PING) {
        return answer->size == PING_SIZE ? NULL : "a ping is answered with a body";
    }
    if (answer->size <= PING_SIZE + 32) {
        return "there is no document 7";
    }
    confirmation_read(answer->bytes + PING_SIZE + 32, answer->size - PING_SIZE - 32, told);
    if (told[0] != (device->state == FN_OTHER ? NOT_VALID : ACCEPTED)) {
        return "1022 is not what it has to be";
    }
    if (told[1] != device->asked + 1 || told[2] != document->time) {
        return "1040 or 1012 is of another document";
    }
    if (device->state == FN_REPEAT &&
        (answer->size != document->answer.size ||
         memcmp(answer->bytes, document->answer.bytes, answer->size) != 0)) {
        return "a repeat has another answer than the first time";
    }
    return NULL;
}

static void
answer_take(struct fn_device *device, size_t size)
{
    unsigned *counts = device->run->peer.result.counts;
    struct fn_bytes answer = {.size = size};
    memcpy(answer.bytes, device->line.carry, size);
    peer_moved(&device->run->peer);
    const char *fault = answer_fault(device, &answer);
    if (fault != NULL) {
        peer_violate(&device->run->peer, "drive %s, document %u: %s", device->number,
                     device->asked + 1, fault);
    }
    if (device->state == FN_DOCUMENT) {
        device->documents[device->asked].answer = answer;
        device->next += 1;
    }
    counts[FN_DOCUMENTS] += device->state == FN_DOCUMENT;
    counts[FN_REPEATS] += device->state == FN_REPEAT;
    counts[FN_OTHERS] += device->state == FN_OTHER;
    counts[FN_PINGS] += device->state == FN_PING;
    device->state =
        device->run->peer.is_ending || device->next == FN_DOCUMENT_COUNT ? FN_DONE : FN_IDLE;
}

static size_t
answer_read(struct peer_line *line)
{
    struct fn_device *device = CHEK_CONTAINER_OF(line, struct fn_device, line);
    if (line->carry_size < PING_SIZE) {
        return 0;
    }
    size_t whole = PING_SIZE + element_number(line->carry + 24, 2);
    if (whole > FN_MESSAGE_SIZE) {
        peer_violate(line->run, "drive %s: an answer is too long", device->number);
    } else if (line->carry_size > whole) {
        peer_violate(line->run, "drive %s: more than one answer to one message", device->number);
    } else if (line->carry_size == whole) {
        answer_take(device, whole);
        return whole;
    }
    return 0;
}

void
fn_device_begin(struct fn_device *device, struct fn_run *run, uint32_t index)
{
    device->run = run;
    device->line.run = &run->peer;
    device->line.address = PEER_DEVICE_ADDRESS;
    device->line.take = answer_read;
    (void)snprintf(device->number, sizeof device->number, "99990789000000%02u", 31 + index);
    for (uint32_t i = 0; i < FN_DOCUMENT_COUNT; i++) {
        struct fn_document *document = &device->documents[i];
        document->code = code_of(run, i);
        document->time = TIME_FIRST + 60 * i;
        document->total = 100 + (int64_t)peer_below(&run->peer, 100000);
        message_make(device, document, i + 1, &document->message);
    }
}

/* ---- the line --------------------------------------------------------------------------------- */

static void
send(struct fn_device *device, enum fn_state state, uint32_t index, const struct fn_bytes *message)
{
    device->state = state;
    device->asked = index;
    device->sent = *message;
    peer_line_send(&device->line, device->sent.bytes, device->sent.size);
}

void
fn_device_repeat(struct fn_device *device, uint32_t index)
{
    send(device, FN_REPEAT, index, &device->documents[index].message);
}

/* Another sum under the number of a receipt that was acknowledged. */
static bool
send_other(struct fn_device *device)
{
    struct fn_bytes message;
    uint32_t index = (uint32_t)peer_below(&device->run->peer, device->next);
    struct fn_document other = device->documents[index];
    if (other.code != CODE_RECEIPT) {
        return false;
    }
    other.total += 100;
    message_make(device, &other, index + 1, &message);
    send(device, FN_OTHER, index, &message);
    return true;
}

static void
send_ping(struct fn_device *device)
{
    struct fn_bytes message = {.size = 0};
    struct chek_ffd_message head = {.version = 0xa281, .format = 0x0105};
    struct chek_writer out = chek_writer_over(message.bytes, sizeof message.bytes);
    memcpy(head.drive, device->number, CHEK_FFD_DRIVE_SIZE);
    chek_ffd_message_write(&out, &head, (struct chek_bytes_view){0});
    message.size = out.size;
    send(device, FN_PING, 0, &message);
}

static void
choose(struct fn_device *device)
{
    uint64_t draw = peer_below(&device->run->peer, 10);
    if (draw == 0) {
        send_ping(device);
    } else if (device->next != 0 && draw < 3) {
        fn_device_repeat(device, (uint32_t)peer_below(&device->run->peer, device->next));
    } else if (device->next == 0 || draw > 4 || !send_other(device)) {
        send(device, FN_DOCUMENT, device->next, &device->documents[device->next].message);
    }
}

void
fn_device_step(struct fn_device *device)
{
    bool is_there = peer_line_step(&device->line);
    if (!device->run->peer.is_ready || device->state == FN_DONE) {
        return;
    }
    if (!is_there) {
        peer_line_connect(&device->line);
        if (device->state != FN_IDLE) { /* nothing was heard of it: once more */
            peer_line_send(&device->line, device->sent.bytes, device->sent.size);
        }
    } else if (device->state == FN_IDLE) {
        choose(device);
    }
}
