/* SPDX-License-Identifier: MIT */
/*
 * prop_cpcr.c - a request of a Kazakh register says what protobuf-c's own structs of it say.
 *
 * Requests are made at random along the schema and written with their fields in any order, between
 * fields that nobody knows. Read, and packed by protobuf-c, one is the bytes that the request packs
 * to; with any byte changed it is refused, or says what protobuf-c's own unpacking says.
 */
#include "engine/base/assertion.h"
#include "engine/base/writer.h"
#include "ingest/cpcr/cpcr_message.h"
#include "tests/prop/prop.h"

#define VERSION 203
#define DEPTH_MAX 8
#define LIST_COUNT_MAX 10 /* lists grow at 4 and 8 */
#define FIELD_COUNT_MAX 64
#define MEMORY_SIZE ((size_t)8 * 1024 * 1024)
#define BYTES_SIZE ((size_t)1024 * 1024)

/* What a round is made in. */
struct round {
    const struct prop *prop;
    struct chek_prng prng;
    struct chek_arena arena;
    uint32_t message_left; /* so many more messages may be made */
    uint32_t unknown_per_million;
};

static void *
take(struct round *round, size_t size)
{
    void *bytes = chek_arena_take(&round->arena, size);
    PROP_CHECK(round->prop, bytes != NULL);
    return bytes;
}

/* ---- made at random --------------------------------------------------------------------------- */

/* Fields that are wanted of every version are always there. */
static bool
is_wanted(const ProtobufCMessageDescriptor *message, uint32_t number)
{
    const struct ingest__cpcr_rules *rules = ingest__cpcr_rules_of(message);
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct ingest__cpcr_rule *rule = &rules->rules[i];
        if (rule->field == number) {
            return !rule->soft && rule->since <= VERSION;
        }
    }
    return false;
}

static uint64_t
number_make(struct round *round, const ProtobufCFieldDescriptor *field)
{
    const ProtobufCEnumDescriptor *values = field->descriptor;
    uint64_t any = chek_prng_next(&round->prng) >> chek_prng_below(&round->prng, 64);
    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT64:
        return any;
    case PROTOBUF_C_TYPE_BOOL:
        return any & 1;
    case PROTOBUF_C_TYPE_ENUM:
        return (uint64_t)values->values[chek_prng_below(&round->prng, values->n_values)].value;
    case PROTOBUF_C_TYPE_INT32:
        return (uint32_t)any;
    default:
        return any & UINT32_MAX;
    }
}

static ProtobufCBinaryData
text_make(struct round *round)
{
    size_t size = chek_prng_below(&round->prng, 16);
    uint8_t *text = take(round, size);
    for (size_t i = 0; i < size; i++) {
        text[i] = (uint8_t)(' ' + chek_prng_below(&round->prng, 90));
    }
    return (ProtobufCBinaryData){size, text};
}

static void *message_make(struct round *round, const ProtobufCMessageDescriptor *message,
                          unsigned depth);

static void
value_make(struct round *round, const ProtobufCFieldDescriptor *field, void *place, unsigned depth)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        void *made = message_make(round, field->descriptor, depth + 1);
        memcpy(place, &made, sizeof made);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData text = text_make(round);
        memcpy(place, &text, sizeof text);
    } else {
        uint64_t value = number_make(round, field);
        memcpy(place, &value, field->type == PROTOBUF_C_TYPE_UINT64 ? 8 : 4);
    }
}

static size_t
value_size(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_MESSAGE  ? sizeof(void *)
           : field->type == PROTOBUF_C_TYPE_BYTES  ? sizeof(ProtobufCBinaryData)
           : field->type == PROTOBUF_C_TYPE_UINT64 ? 8
                                                   : 4;
}

static void
field_make(struct round *round, const ProtobufCFieldDescriptor *field, uint8_t *made,
           unsigned depth)
{
    const protobuf_c_boolean is_there = 1;
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        if (field->quantifier_offset != 0) {
            memcpy(made + field->quantifier_offset, &is_there, sizeof is_there);
        }
        value_make(round, field, made + field->offset, depth);
        return;
    }
    size_t count = 1 + chek_prng_below(&round->prng, LIST_COUNT_MAX);
    uint8_t *list = take(round, count * value_size(field));
    for (size_t i = 0; i < count; i++) {
        value_make(round, field, list + i * value_size(field), depth);
    }
    memcpy(made + field->offset, &list, sizeof list);
    memcpy(made + field->quantifier_offset, &count, sizeof count);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the schema, which is not recursive */
static void *
message_make(struct round *round, const ProtobufCMessageDescriptor *message, unsigned depth)
{
    uint8_t *made = take(round, message->sizeof_message);
    message->message_init((ProtobufCMessage *)(void *)made);
    round->message_left -= round->message_left != 0 ? 1 : 0;
    for (unsigned i = 0; i < message->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->fields[i];
        bool may = depth < DEPTH_MAX && round->message_left != 0;
        if (is_wanted(message, field->id) || (may && chek_prng_chance(&round->prng, 400000))) {
            field_make(round, field, made, depth);
        }
    }
    return made;
}

/* ---- written in any order --------------------------------------------------------------------- */

/* A number as protobuf allows it: with needless zeros behind it now and then. */
static void
number_write(struct round *round, struct chek_writer *out, uint64_t value)
{
    if (value < 128 && chek_prng_chance(&round->prng, 50000)) {
        chek_writer_u8(out, (uint8_t)(value | 0x80));
        chek_writer_u8(out, 0x80);
        chek_writer_u8(out, 0);
    } else {
        chek_writer_varint(out, value);
    }
}

static void message_write(struct round *round, const ProtobufCMessageDescriptor *message,
                          const uint8_t *made, struct chek_writer *out);

static void
value_write(struct round *round, const ProtobufCFieldDescriptor *field, const uint8_t *place,
            struct chek_writer *out)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        size_t mark = chek_arena_mark(&round->arena);
        uint8_t *bytes = take(round, 65536);
        struct chek_writer inner = chek_writer_over(bytes, 65536);
        const uint8_t *inside;
        memcpy(&inside, place, sizeof inside);
        message_write(round, field->descriptor, inside, &inner);
        PROP_CHECK(round->prop, !inner.full);
        chek_writer_varint(out, (uint64_t)field->id << 3 | 2);
        number_write(round, out, inner.size);
        chek_writer_bytes(out, bytes, inner.size);
        chek_arena_rewind(&round->arena, mark);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData text;
        memcpy(&text, place, sizeof text);
        chek_writer_varint(out, (uint64_t)field->id << 3 | 2);
        number_write(round, out, text.len);
        chek_writer_bytes(out, text.data, text.len);
    } else {
        uint64_t value = 0;
        memcpy(&value, place, value_size(field));
        if (field->type == PROTOBUF_C_TYPE_INT32) {
            value = (uint64_t)(int64_t)(int32_t)(uint32_t)value;
        }
        chek_writer_varint(out, (uint64_t)field->id << 3);
        number_write(round, out, value);
    }
}

static void
unknown_write(struct round *round, struct chek_writer *out)
{
    bool is_text = chek_prng_chance(&round->prng, 500000);
    chek_writer_varint(out, UINT64_C(1000) << 3 | (is_text ? 2 : 0));
    chek_writer_varint(out, 3);
    if (is_text) {
        chek_writer_bytes(out, "new", 3);
    }
}

/* A value of a field that is there: which, and of a list the next one. */
static bool
value_next(const ProtobufCFieldDescriptor *field, const uint8_t *made, size_t *at,
           const uint8_t **ret)
{
    size_t count = 0;
    protobuf_c_boolean has = 0;
    const uint8_t *pointer;
    memcpy(&pointer, made + field->offset, sizeof pointer);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        memcpy(&count, made + field->quantifier_offset, sizeof count);
        *ret = count != 0 ? pointer + *at * value_size(field) : NULL;
    } else {
        *ret = made + field->offset;
        if (field->quantifier_offset != 0) {
            memcpy(&has, made + field->quantifier_offset, sizeof has);
            count = has != 0;
        } else {
            count = pointer != NULL;
        }
    }
    return (*at)++ < count;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the schema, which is not recursive */
static void
message_write(struct round *round, const ProtobufCMessageDescriptor *message, const uint8_t *made,
              struct chek_writer *out)
{
    size_t at[FIELD_COUNT_MAX] = {0};
    uint32_t left[FIELD_COUNT_MAX], left_count = message->n_fields;
    bool is_in_order = chek_prng_chance(&round->prng, 500000);
    CHEK_ASSERT(message->n_fields <= FIELD_COUNT_MAX);
    for (uint32_t i = 0; i < left_count; i++) {
        left[i] = i;
    }
    while (left_count != 0) {
        uint32_t pick = is_in_order ? 0 : (uint32_t)chek_prng_below(&round->prng, left_count);
        uint32_t index = left[pick];
        const uint8_t *place;
        if (value_next(&message->fields[index], made, &at[index], &place)) {
            value_write(round, &message->fields[index], place, out);
        } else {
            left_count -= 1;
            memmove(left + pick, left + pick + 1, (left_count - pick) * sizeof *left);
        }
        if (chek_prng_chance(&round->prng, round->unknown_per_million)) {
            unknown_write(round, out);
        }
    }
}

/* ---- the laws --------------------------------------------------------------------------------- */

static bool
packs_to(const Ingest__Request *request, const uint8_t *bytes, size_t size, uint8_t *scratch)
{
    return ingest__request__get_packed_size(request) == size &&
           ingest__request__pack(request, scratch) == size && memcmp(scratch, bytes, size) == 0;
}

/* Change a byte: what is read of it still is what protobuf-c reads. */
static void
changed_run(struct round *round, uint8_t *bytes, size_t size, uint8_t *packed, uint8_t *scratch)
{
    struct chek_cpcr_message read;
    struct chek_cpcr_fault fault = {0};
    bytes[chek_prng_below(&round->prng, size)] ^= (uint8_t)(1u << chek_prng_below(&round->prng, 8));
    if (chek_cpcr_message_read(chek_bytes_view_of(bytes, size), VERSION, &round->arena, &read,
                               &fault) != CHEK_CPCR_OK) {
        return;
    }
    Ingest__Request *told = ingest__request__unpack(NULL, size, bytes);
    PROP_CHECK(round->prop, told != NULL);
    size_t told_size = ingest__request__pack(told, packed);
    ingest__request__free_unpacked(told, NULL);
    size_t read_size = ingest__request__pack(read.request, scratch);
    /* A changed key may have made a field unknown: then protobuf-c has more. */
    PROP_CHECK(round->prop, read_size <= told_size);
    PROP_CHECK(round->prop, read_size < told_size || memcmp(packed, scratch, told_size) == 0);
}

static void
round_run(struct round *round, uint8_t *bytes, uint8_t *packed, uint8_t *scratch)
{
    struct chek_cpcr_message read;
    struct chek_cpcr_fault fault = {0};
    chek_arena_reset(&round->arena);
    round->message_left = 1 + (uint32_t)chek_prng_below(&round->prng, 300);
    round->unknown_per_million = chek_prng_chance(&round->prng, 500000) ? 20000 : 0;
    Ingest__Request *made = message_make(round, &ingest__request__descriptor, 0);
    made->has_command = 1;
    made->command = INGEST__COMMAND_TYPE__COMMAND_SYSTEM; /* the others want their part */
    struct chek_writer out = chek_writer_over(bytes, BYTES_SIZE);
    message_write(round, &ingest__request__descriptor, (const uint8_t *)made, &out);
    size_t size = ingest__request__get_packed_size(made);
    PROP_CHECK(round->prop, !out.full && size <= BYTES_SIZE);
    PROP_CHECK(round->prop, ingest__request__pack(made, packed) == size);
    chek_arena_reset(&round->arena); /* all there is, is in the bytes */
    uint32_t code = chek_cpcr_message_read(chek_bytes_view_of(bytes, out.size), VERSION,
                                           &round->arena, &read, &fault);
    if (code != CHEK_CPCR_OK) {
        fprintf(stderr, "%s\n", fault.text);
    }
    PROP_CHECK(round->prop, code == CHEK_CPCR_OK);
    PROP_CHECK(round->prop, packs_to(read.request, packed, size, scratch));
    chek_arena_reset(&round->arena);
    if (round->unknown_per_million == 0) { /* protobuf-c keeps what nobody knows, and packs it */
        changed_run(round, bytes, out.size, packed, scratch);
    }
}

int
main(int argument_count, char **arguments)
{
    static uint8_t bytes[BYTES_SIZE], packed[BYTES_SIZE], scratch[BYTES_SIZE];
    struct prop prop = prop_begin(argument_count, arguments, 20000);
    struct round round = {.prop = &prop};
    int error = chek_arena_init(&round.arena, MEMORY_SIZE);
    CHEK_ASSERT(error == CHEK_OK);
    while (prop_next(&prop, &round.prng)) {
        round_run(&round, bytes, packed, scratch);
    }
    chek_arena_finish(&round.arena);
    return 0;
}
