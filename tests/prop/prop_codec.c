/* SPDX-License-Identifier: MIT */
/*
 * prop_codec.c - laws of the codec, on random records of every kind.
 *
 *     prop_codec [SEED]              check the laws; a failure prints the seed and the record
 *     prop_codec random SEED COUNT   print random records, whole and damaged, with their outcomes
 *     prop_codec answer              read "NAME HEX" lines, print the outcomes
 *
 * A line is "NAME HEX OUTCOME": the record's text and its encoding again, or the fault. The Python
 * codec is held against it by prop_codec_python.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/error.h"
#include "tests/prop/records.h"

#define ROUND_COUNT 200 /* of every kind of record */
#define BYTES_SIZE_MAX (1u << 20)
#define TEXT_SIZE_MAX (8u << 20)
#define CUT_COUNT_MAX 300 /* prefixes tried of one record */

static _Alignas(16) uint8_t record_memory[32u << 20];
static _Alignas(16) uint8_t decode_memory[32u << 20];
static uint8_t bytes[BYTES_SIZE_MAX], again[BYTES_SIZE_MAX];
static char text[TEXT_SIZE_MAX], text_again[TEXT_SIZE_MAX];
static _Alignas(16) uint8_t decoded[4096];

static void
check(bool condition, const char *law, const struct chek_record_shape *shape, uint64_t seed)
{
    if (!condition) {
        fprintf(stderr, "%s does not hold for %s, seed %llu:\n%s\n", law, shape->name,
                (unsigned long long)seed, text);
        exit(1);
    }
}

static size_t
encode(const struct chek_record_shape *shape, const void *record, uint8_t *to)
{
    struct chek_writer out = chek_writer_over(to, BYTES_SIZE_MAX);
    shape->encode(&out, record);
    if (out.full) {
        fprintf(stderr, "a random %s does not fit the test's buffer\n", shape->name);
        exit(1);
    }
    return out.size;
}

static size_t
print(const struct chek_record_shape *shape, const void *record, char *to)
{
    struct chek_writer out = chek_writer_over(to, TEXT_SIZE_MAX);
    records_print(&out, shape, record);
    chek_writer_u8(&out, 0);
    if (out.full) {
        fprintf(stderr, "the text of a random %s does not fit\n", shape->name);
        exit(1);
    }
    return out.size - 1;
}

static int
decode(const struct chek_record_shape *shape, const uint8_t *from, size_t size,
       struct chek_fault *fault)
{
    struct chek_arena arena;
    chek_arena_init_over(&arena, decode_memory, sizeof decode_memory);
    return shape->decode(from, size, &arena, decoded, fault);
}

/* ---- laws ---- */

/* The bytes are given in a block of exactly their size, so that a sanitizer sees a read behind. */
static int
decode_prefix(const struct chek_record_shape *shape, size_t size, struct chek_fault *fault)
{
    uint8_t *copy = malloc(size + (size == 0));
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, bytes, size);
    int error = decode(shape, copy, size, fault);
    free(copy);
    return error;
}

static void
check_record(const struct chek_record_shape *shape, struct chek_prng *prng, uint64_t seed)
{
    struct chek_arena arena;
    struct chek_fault fault;
    chek_arena_init_over(&arena, record_memory, sizeof record_memory);
    const void *record = records_random(shape, prng, &arena);
    size_t text_size = print(shape, record, text);
    size_t size = encode(shape, record, bytes);

    check(size >= shape->size_min && size <= shape->size_max, "size is within its bounds", shape,
          seed);
    check(decode(shape, bytes, size, &fault) == CHEK_OK, "decode(encode(x)) succeeds", shape, seed);
    check(print(shape, decoded, text_again) == text_size &&
              memcmp(text, text_again, text_size) == 0,
          "decode(encode(x)) == x", shape, seed);
    check(encode(shape, decoded, again) == size && memcmp(bytes, again, size) == 0,
          "encode(decode(encode(x))) == encode(x)", shape, seed);

    size_t step = size / CUT_COUNT_MAX + 1;
    for (size_t cut = 0; cut < size; cut += step) {
        check(decode_prefix(shape, cut, &fault) == CHEK_E_SHORT && fault.at <= cut,
              "a prefix is SHORT", shape, seed);
    }
    bytes[size] = 0;
    check(decode(shape, bytes, size + 1, &fault) == CHEK_E_TRAILING && fault.at == size,
          "one byte more is TRAILING", shape, seed);
}

static int
check_laws(uint64_t seed)
{
    struct chek_prng prng;
    chek_prng_init(&prng, seed);
    printf("seed %llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < chek_record_shape_count; i++) {
        for (int round = 0; round < ROUND_COUNT; round++) {
            check_record(chek_record_shapes[i], &prng, seed);
        }
    }
    printf("%zu kinds of records, %d of each\n", chek_record_shape_count, ROUND_COUNT);
    return 0;
}

/* ---- outcomes, for the other codec ---- */

static void
print_outcome(const struct chek_record_shape *shape, size_t size)
{
    struct chek_fault fault;
    struct chek_writer out = chek_writer_over(text, TEXT_SIZE_MAX);
    records_print_hex(&out, bytes, size);
    printf("%s %.*s ", shape->name, (int)out.size, text);
    int error = decode(shape, bytes, size, &fault);
    if (error != CHEK_OK) {
        printf("!%s %u %u %zu\n", chek_error_name(fault.code), fault.field, fault.index, fault.at);
        return;
    }
    (void)print(shape, decoded, text);
    printf("%s", text);
    out.size = 0;
    records_print_hex(&out, again, encode(shape, decoded, again));
    printf(" %.*s\n", (int)out.size, text);
}

/* Flip, overwrite, insert, remove or cut a byte, a few times. */
static size_t
damage(struct chek_prng *prng, size_t size)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    for (uint64_t times = 1 + chek_prng_below(prng, 3); times > 0 && size > 0; times--) {
        size_t at = chek_prng_chance(prng, 500000) ? chek_prng_below(prng, size)
                                                   : chek_prng_below(prng, size < 8 ? size : 8);
        switch (chek_prng_below(prng, 5)) {
        case 0:
            bytes[at] ^= (uint8_t)(1u << chek_prng_below(prng, 8));
            break;
        case 1:
            bytes[at] = edges[chek_prng_below(prng, CHEK_COUNT(edges))];
            break;
        case 2:
            memmove(bytes + at + 1, bytes + at, size - at);
            bytes[at] = (uint8_t)chek_prng_next(prng);
            size += 1;
            break;
        case 3:
            memmove(bytes + at, bytes + at + 1, size - at - 1);
            size -= 1;
            break;
        default:
            size = at;
            break;
        }
    }
    return size;
}

static int
write_random(uint64_t seed, uint64_t count)
{
    struct chek_prng prng;
    chek_prng_init(&prng, seed);
    for (uint64_t i = 0; i < count; i++) {
        const struct chek_record_shape *shape =
            chek_record_shapes[chek_prng_below(&prng, chek_record_shape_count)];
        struct chek_arena arena;
        chek_arena_init_over(&arena, record_memory, sizeof record_memory);
        size_t size = encode(shape, records_random(shape, &prng, &arena), bytes);
        print_outcome(shape, size);
        print_outcome(shape, damage(&prng, size));
    }
    return 0;
}

static int
answer(void)
{
    static char line[2 * BYTES_SIZE_MAX + 256];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *hex = strchr(line, ' ');
        size_t size = hex != NULL ? records_read_hex(hex, bytes, sizeof bytes) : SIZE_MAX;
        const struct chek_record_shape *shape = NULL;
        if (hex != NULL) {
            *hex = '\0';
            shape = records_find(line);
        }
        if (shape == NULL || size == SIZE_MAX) {
            fprintf(stderr, "a line is not NAME HEX: %s\n", line);
            return 1;
        }
        print_outcome(shape, size);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "random") == 0) {
        return write_random(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    }
    if (argc == 2 && strcmp(argv[1], "answer") == 0) {
        return answer();
    }
    return check_laws(argc == 2 ? strtoull(argv[1], NULL, 10) : 1);
}
