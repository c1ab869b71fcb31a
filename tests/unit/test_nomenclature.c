/* SPDX-License-Identifier: MIT */
/*
 * test_nomenclature.c - a nomenclature in a partition, its check, and what NOMENCLATURE is answered
 * with. (ingest/CPCR.md R90..R97)
 */
#include <stdio.h>

#include "engine/partition/nomenclature.h"
#include "tests/unit/cpcr_fixture.h"

#define ELEMENT_COUNT_MAX 4096
#define CREATED 1772446260 /* 2026-03-02T10:11:00 */

static struct chek_nomenclature_element elements[ELEMENT_COUNT_MAX + 1];
static char titles[ELEMENT_COUNT_MAX + 1][1100];

/* `count` elements with the ids 1.., titles of `size` bytes that depend on `seed`. */
static struct chek_nomenclature
goods_make(uint32_t count, size_t size, char seed)
{
    for (uint32_t i = 0; i < count; i++) {
        memset(titles[i], seed, size);
        elements[i] = (struct chek_nomenclature_element){
            .id = i + 1, .title = chek_bytes_view_of(titles[i], size)};
    }
    return (struct chek_nomenclature){.organisation = chek_bytes_view_text(ORGANISATION),
                                      .created = CREATED,
                                      .elements = elements,
                                      .elements_count = count};
}

static void
load(const struct chek_nomenclature *goods)
{
    struct chek_outcome outcome;
    APPLY(CHEK_COMMAND_NOMENCLATURE, nomenclature, goods, CHEK_OK);
    assert_error(outcome.error, CHEK_OK);
    assert_true(chek_partition_is_valid(partition));
}

static const struct chek_nomenclature_whose all = {
    .organisation = {(const uint8_t *)ORGANISATION, sizeof ORGANISATION - 1}};

static void
assert_whose(const struct chek_nomenclature_whose *whose, uint64_t version,
             const struct chek_nomenclature *want)
{
    static uint8_t bytes[APPLY_SIZE], again[APPLY_SIZE];
    struct chek_nomenclature_state state = {0};
    struct chek_nomenclature bare = *want;
    struct chek_writer out = chek_writer_over(again, sizeof again);
    bare.created = 0;
    bare.point.size = 0;
    bare.device = 0;
    chek_nomenclature_encode(&out, &bare);
    assert_error(chek_partition_nomenclature(partition, whose, &state), CHEK_OK);
    assert_int_equal(state.version, version);
    assert_int_equal(state.count, want->elements_count);
    assert_int_equal(state.created, want->created);
    assert_int_equal(state.size, out.size);
    chek_partition_nomenclature_read(partition, &state, bytes);
    assert_memory_equal(bytes, again, out.size);
}

/* What is kept for all registers is these elements, with this version. */
static void
assert_held(uint64_t version, const struct chek_nomenclature *want)
{
    assert_whose(&all, version, want);
}

/* ---- the partition ---------------------------------------------------------------------------- */

/* Sizes around the ends of parts, and the largest that a command has room for. */
static void
test_any_size_is_kept_replaced_and_loaded(void **state)
{
    static const struct {
        uint32_t count;
        size_t size;
    } rows[] = {{1, 1},    {8, 1000}, {9, 500},    {8, 1010},  {8, 1011}, {8, 1012},
                {8, 1013}, {8, 1014}, {220, 1020}, {4096, 40}, {1, 2}};
    struct chek_nomenclature_state none;
    (void)state;
    assert_error(chek_partition_nomenclature(partition, &all, &none), CHEK_E_NOT_FOUND);
    for (size_t i = 0; i < CHEK_COUNT(rows); i++) {
        struct chek_nomenclature goods = goods_make(rows[i].count, 1, 'a');
        for (uint32_t j = 0; j < rows[i].count; j++) { /* descriptions are longer than titles */
            memset(titles[j], 'b', rows[i].size);
            elements[j].description = chek_bytes_view_of(titles[j], rows[i].size);
        }
        load(&goods);
        assert_held(i + 1, &goods);
        cpcr_reload();
        assert_held(i + 1, &goods);
    }
}

/* R91: registers that have it need not fetch it again. */
static void
test_the_same_again_is_the_same_version(void **state)
{
    struct chek_nomenclature goods = goods_make(100, 90, 'a'), later = goods;
    (void)state;
    load(&goods);
    later.created = CREATED + 60;
    load(&later);
    assert_held(1, &goods);
    titles[99][89] = 'b'; /* of the last part */
    load(&later);
    assert_held(2, &later);
}

static void
test_a_smaller_one_gives_the_memory_back(void **state)
{
    struct chek_nomenclature small = goods_make(1, 10, 'a');
    (void)state;
    load(&small);
    uint64_t hash = chek_partition_hash(partition), size = chek_partition_heap_size(partition);
    struct chek_nomenclature large = goods_make(2000, 100, 'b');
    for (uint32_t i = 0; i < 20; i++) {
        titles[0][0] = (char)('A' + i);
        load(&large);
    }
    assert_held(21, &large);
    assert_true(chek_partition_heap_size(partition) < size + 3 * (size_t)APPLY_SIZE);
    assert_int_not_equal(chek_partition_hash(partition), hash);
}

static void
test_organisations_have_their_own(void **state)
{
    struct chek_nomenclature_state known;
    struct chek_nomenclature first = goods_make(1, 10, 'a'), second = first;
    (void)state;
    load(&first);
    second.organisation = chek_bytes_view_text("123456789013");
    second.created = 0;
    load(&second);
    assert_held(1, &first);
    struct chek_nomenclature_whose other = {.organisation = second.organisation};
    assert_error(chek_partition_nomenclature(partition, &other, &known), CHEK_OK);
    assert_int_equal(known.version, 1);
    assert_int_equal(known.created, 0);
    other.organisation = chek_bytes_view_text("123456789014");
    assert_error(chek_partition_nomenclature(partition, &other, &known), CHEK_E_NOT_FOUND);
}

static void
test_commands_that_are_none_are_corrupt(void **state)
{
    struct chek_outcome outcome;
    struct chek_nomenclature goods = goods_make(1, 10, 'a');
    struct chek_nomenclature_state known;
    (void)state;
    goods.version = 1;
    APPLY(CHEK_COMMAND_NOMENCLATURE, nomenclature, &goods, CHEK_E_CORRUPT);
    goods.version = 0;
    goods.count = 1;
    APPLY(CHEK_COMMAND_NOMENCLATURE, nomenclature, &goods, CHEK_E_CORRUPT);
    goods.count = 0;
    goods.device = REGISTRATION;
    goods.point = chek_bytes_view_text("main");
    APPLY(CHEK_COMMAND_NOMENCLATURE, nomenclature, &goods, CHEK_E_CORRUPT);
    goods.device = 0;
    goods.point.size = 0;
    goods.organisation.size = 0;
    APPLY(CHEK_COMMAND_NOMENCLATURE, nomenclature, &goods, CHEK_E_CORRUPT);
    assert_error(chek_partition_nomenclature(partition, &all, &known), CHEK_E_NOT_FOUND);
    (void)outcome;
}

/* ---- the check -------------------------------------------------------------------------------- */

static struct check_case {
    const char *name;
    struct chek_nomenclature_element second; /* behind a group 1 and an item 2 */
    int want;
    uint16_t field;
} check_rows[] = {
    {"item_in_a_group", {.id = 3, .parent = 1, .title = {(const uint8_t *)"t", 1}}, CHEK_OK, 0},
    {"group_in_a_group",
     {.id = 3, .kind = 1, .parent = 1, .title = {(const uint8_t *)"t", 1}},
     CHEK_OK,
     0},
    {"no_title", {.id = 3}, CHEK_E_FIELD_MISSING, CHEK_FIELD_NOMENCLATURE_ELEMENT_TITLE},
    {"id_0",
     {.title = {(const uint8_t *)"t", 1}},
     CHEK_E_RANGE,
     CHEK_FIELD_NOMENCLATURE_ELEMENT_ID},
    {"id_twice",
     {.id = 2, .title = {(const uint8_t *)"t", 1}},
     CHEK_E_EXISTS,
     CHEK_FIELD_NOMENCLATURE_ELEMENT_ID},
    {"unknown_parent",
     {.id = 3, .parent = 4, .title = {(const uint8_t *)"t", 1}},
     CHEK_E_NOT_FOUND,
     CHEK_FIELD_NOMENCLATURE_ELEMENT_PARENT},
    {"parent_is_an_item",
     {.id = 3, .parent = 2, .title = {(const uint8_t *)"t", 1}},
     CHEK_E_NOT_FOUND,
     CHEK_FIELD_NOMENCLATURE_ELEMENT_PARENT},
    {"parent_is_itself",
     {.id = 3, .kind = 1, .parent = 3, .title = {(const uint8_t *)"t", 1}},
     CHEK_E_NOT_FOUND,
     CHEK_FIELD_NOMENCLATURE_ELEMENT_PARENT},
};

static void
test_check(void **state)
{
    const struct check_case *from = *state;
    struct chek_nomenclature goods = goods_make(3, 10, 'a');
    struct chek_fault fault;
    elements[0].kind = CHEK_NOMENCLATURE_KIND_GROUP;
    elements[2] = from->second;
    assert_error(chek_cpcr_nomenclature_check(&goods, &arena, &fault), from->want);
    if (from->want != CHEK_OK) {
        assert_int_equal(fault.field, from->field);
        assert_int_equal(fault.index, 2);
    }
}

/* Ids that meet in the table of ids are told apart. */
static void
test_ids_of_a_full_list_are_told_apart(void **state)
{
    struct chek_nomenclature goods = goods_make(ELEMENT_COUNT_MAX, 1, 'a');
    struct chek_fault fault;
    (void)state;
    for (uint32_t i = 0; i < ELEMENT_COUNT_MAX; i++) {
        elements[i].id = UINT64_MAX - i * UINT64_C(8192);
        elements[i].kind = CHEK_NOMENCLATURE_KIND_GROUP;
        elements[i].parent = i != 0 ? elements[i - 1].id : 0;
    }
    assert_error(chek_cpcr_nomenclature_check(&goods, &arena, &fault), CHEK_OK);
    elements[ELEMENT_COUNT_MAX - 1].id = elements[17].id;
    assert_error(chek_cpcr_nomenclature_check(&goods, &arena, &fault), CHEK_E_EXISTS);
    assert_int_equal(fault.index, ELEMENT_COUNT_MAX - 1);
}

/* ---- answers ---------------------------------------------------------------------------------- */

static Ingest__Response *
ask(uint32_t registration, uint32_t version, const char *barcode)
{
    uint8_t bytes[100];
    struct chek_writer part = chek_writer_over(bytes, sizeof bytes);
    chek_writer_u8(&part, 1 << 3);
    chek_writer_u8(&part, (uint8_t)version);
    if (barcode != NULL) {
        chek_writer_u8(&part, 2 << 3 | 2);
        chek_writer_u8(&part, (uint8_t)strlen(barcode));
        chek_writer_bytes(&part, barcode, strlen(barcode));
    }
    return cpcr_ask(registration, INGEST__COMMAND_TYPE__COMMAND_NOMENCLATURE, 5, &part, 0);
}

#define NONE INGEST__NOMENCLATURE_RESULT__NOMENCLATURE_NO_VERSION
#define ACTUAL INGEST__NOMENCLATURE_RESULT__NOMENCLATURE_VERSION_IS_ACTUAL
#define GOODS INGEST__NOMENCLATURE_RESULT__NOMENCLATURE_OK
#define NOT_FOUND INGEST__NOMENCLATURE_RESULT__NOMENCLATURE_ELEMENT_NOT_FOUND_BY_BARCODE
#define LONG "0123456789012345678901234567890123456789012345678901234567890123"

static struct answer_case {
    const char *name;
    uint32_t load_count, version;
    const char *barcode;
    uint32_t result, answered;
    size_t count;
    uint64_t first; /* id */
} answer_rows[] = {
    {"nothing_is_loaded", 0, 0, NULL, NONE, 0, 0, 0},
    {"nothing_is_loaded_and_something_is_had", 0, 7, NULL, NONE, 0, 0, 0},
    {"nothing_is_loaded_by_barcode", 0, 0, "11", NONE, 0, 0, 0},
    {"nothing_is_had", 2, 0, NULL, GOODS, 2, 5, 1},
    {"another_is_had", 2, 1, NULL, GOODS, 2, 5, 1},
    {"a_newer_one_is_had", 2, 3, NULL, GOODS, 2, 5, 1},
    {"it_is_had", 2, 2, NULL, ACTUAL, 2, 0, 0},
    {"an_empty_barcode_is_none", 2, 2, "", ACTUAL, 2, 0, 0},
    {"by_barcode_whatever_is_had", 2, 2, "22", GOODS, 2, 2, 3},
    {"by_one_barcode", 2, 0, "11", GOODS, 2, 1, 2},
    {"by_unknown_barcode", 2, 0, "33", NOT_FOUND, 2, 0, 0},
    {"by_a_barcode_of_a_group", 2, 0, "44", NOT_FOUND, 2, 0, 0},
    {"by_the_longest_barcode", 2, 0, LONG, NOT_FOUND, 2, 0, 0},
    {"by_a_longer_barcode", 2, 0, LONG "4", NOT_FOUND, 2, 0, 0},
};

static void
test_answer(void **state)
{
    const struct answer_case *from = *state;
    struct chek_nomenclature goods = goods_make(5, 10, 'a');
    elements[0].kind = CHEK_NOMENCLATURE_KIND_GROUP;
    elements[0].barcode = chek_bytes_view_text("44");
    elements[1].barcode = chek_bytes_view_text("11");
    elements[2].barcode = elements[3].barcode = chek_bytes_view_text("22");
    for (uint32_t i = 0; i < from->load_count; i++) {
        titles[3][0] = (char)('A' + i);
        load(&goods);
    }
    uint64_t hash = chek_partition_hash(partition);
    Ingest__Response *answer = ask(OTHER, from->version, from->barcode);
    const Ingest__NomenclatureResponse *told = answer->nomenclature;
    assert_int_equal(answer->result->result_code, CHEK_CPCR_OK);
    assert_non_null(told);
    assert_int_equal(told->result, from->result);
    assert_true(told->has_version);
    assert_int_equal(told->version, from->answered);
    assert_int_equal(told->created_time != NULL, from->load_count != 0);
    assert_int_equal(told->n_elements, from->count);
    if (from->count != 0) {
        assert_int_equal(told->elements[0]->id, from->first);
    }
    assert_int_equal(chek_partition_hash(partition), hash);
    ingest__response__free_unpacked(answer, NULL);
}

static bool
is_text(const ProtobufCBinaryData *data, const char *want)
{
    return data->len == strlen(want) && memcmp(data->data, want, data->len) == 0;
}

static bool
is_money(const Ingest__Money *money, uint64_t bills, uint32_t coins)
{
    return money != NULL && money->bills == bills && money->coins == coins;
}

/* As many as there may be; one of nothing but zeros is a tax too. */
#define TAX(taxation, type, percent)                                              \
    {                                                                             \
        .taxation_type = (taxation), .tax_type = (type), .tax_percent = (percent) \
    }
static const struct chek_nomenclature_tax taxes[] = {
    TAX(100, 100, 0),     TAX(101, 100, 12000), TAX(102, 100, 16000), TAX(103, 100, UINT32_MAX),
    TAX(101, 100, 12000), TAX(0, 0, 0),         TAX(1, 0, 0),         TAX(0, 1, 0)};

static void
assert_item(const Ingest__NomenclatureElement *element)
{
    const Ingest__NomenclatureItem *item = element->item;
    assert_true(element->has_type &&
                element->type == INGEST__NOMENCLATURE_ELEMENT_TYPE__ELEMENT_ITEM);
    assert_int_equal(element->id, UINT64_MAX);
    assert_int_equal(element->parent_group_id, 1);
    assert_true(is_text(&element->title, "t") && is_text(&element->title_kk, "k"));
    assert_true(is_text(&item->article, "a") && is_text(&item->barcode, "b") &&
                is_text(&item->description, "d") && is_text(&item->measure_title, "m") &&
                is_text(&item->measure_unit_code, "796") && is_text(&item->ntin, "n"));
    assert_true(is_money(item->purchase_price, 1, 2) && is_money(item->sell_price, 3, 40) &&
                is_money(item->discount_sum, 0, 5) && is_money(item->markup_sum, 6, 0));
    assert_int_equal(item->discount_percent, 7);
    assert_int_equal(item->markup_percent, 8);
    assert_int_equal(item->n_taxes, CHEK_COUNT(taxes));
    for (size_t i = 0; i < CHEK_COUNT(taxes); i++) {
        assert_true(item->taxes[i]->has_taxation_type && item->taxes[i]->has_tax_type &&
                    item->taxes[i]->has_tax_percent);
        assert_int_equal(item->taxes[i]->taxation_type, taxes[i].taxation_type);
        assert_int_equal(item->taxes[i]->tax_type, taxes[i].tax_type);
        assert_int_equal(item->taxes[i]->tax_percent, taxes[i].tax_percent);
    }
    assert_int_equal(item->measure_count, 1000);
    assert_true(item->measure_fractional && item->is_markedeac && item->is_social);
}

/* R98: registers hear of none, and the next list has a version that none had. */
static void
test_a_list_is_removed(void **state)
{
    struct chek_nomenclature_state known;
    struct chek_nomenclature large = goods_make(200, 200, 'a');
    struct chek_nomenclature nothing = {.organisation = chek_bytes_view_text(ORGANISATION)};
    (void)state;
    load(&nothing); /* what is not there */
    uint64_t empty = chek_partition_heap_size(partition);
    load(&large);
    load(&nothing);
    assert_error(chek_partition_nomenclature(partition, &all, &known), CHEK_E_NOT_FOUND);
    Ingest__Response *answer = ask(REGISTRATION, 1, NULL);
    assert_int_equal(answer->nomenclature->result, NONE);
    assert_int_equal(answer->nomenclature->version, 0);
    ingest__response__free_unpacked(answer, NULL);
    cpcr_reload();
    load(&nothing);
    struct chek_nomenclature small = goods_make(2, 10, 'a');
    load(&small);
    assert_held(2, &small);
    for (int i = 0; i < 50; i++) { /* nothing is left of those that were */
        large = goods_make(200, 200, 'a');
        load(&large);
        load(&nothing);
    }
    assert_true(chek_partition_heap_size(partition) < empty + 400000);
    small = goods_make(2, 10, 'a');
    load(&small);
    assert_held(53, &small);
}

/* ---- points and registers --------------------------------------------------------------------- */

/* A list of one element with this id, for a point, a register or all; 0: none. */
static void
load_for(const char *point, uint32_t device, uint64_t id)
{
    struct chek_nomenclature goods = goods_make(id != 0, 200, 'a');
    goods.point = chek_bytes_view_text(point);
    goods.device = device;
    elements[0].id = id;
    load(&goods);
}

/* What a register that has version `had` is told: version, and the id of the one element. */
static void
assert_told(uint32_t registration, uint32_t had, uint64_t version, uint64_t id)
{
    Ingest__Response *answer = ask(registration, had, NULL);
    const Ingest__NomenclatureResponse *told = answer->nomenclature;
    bool is_actual = version != 0 && had == version;
    assert_int_equal(told->version, version);
    assert_int_equal(told->result, version == 0 ? NONE : is_actual ? ACTUAL : GOODS);
    assert_int_equal(told->n_elements, version != 0 && !is_actual);
    if (told->n_elements != 0) {
        assert_int_equal(told->elements[0]->id, id);
    }
    ingest__response__free_unpacked(answer, NULL);
}

static void
move_to(uint32_t registration, const char *point)
{
    struct chek_outcome outcome;
    struct chek_register_key name = {.value = chek_bytes_view_text("moved")};
    struct chek_register profile = {.keys = &name,
                                    .keys_count = 1,
                                    .organisation = chek_bytes_view_text(ORGANISATION),
                                    .point = chek_bytes_view_text(point)};
    struct chek_command_register what = {.registration = registration, .profile = &profile};
    APPLY(CHEK_COMMAND_REGISTER, command_register, &what, CHEK_OK);
    assert_error(outcome.error, CHEK_OK);
}

/* R99: its own, else that of its point, else that of all, whichever come and go. */
static void
test_the_nearest_list_is_told(void **state)
{
    (void)state;
    move_to(REGISTRATION, "main");
    load_for("", 0, 1);
    assert_told(REGISTRATION, 0, 1, 1);
    load_for("main", 0, 2);
    load_for("far", 0, 3);
    assert_told(REGISTRATION, 1, 2, 2);
    assert_told(OTHER, 0, 1, 1);
    load_for("", REGISTRATION, 4);
    assert_told(REGISTRATION, 2, 4, 4);
    load_for("main", 0, 5); /* behind its own it is not heard of */
    assert_told(REGISTRATION, 4, 4, 4);
    cpcr_reload();
    load_for("", REGISTRATION, 0);
    assert_told(REGISTRATION, 4, 5, 5);
    load_for("", 0, 0);
    assert_told(REGISTRATION, 5, 5, 5);
    assert_told(OTHER, 1, 0, 0);
    load_for("main", 0, 0);
    assert_told(REGISTRATION, 5, 0, 0);
    move_to(REGISTRATION, "far");
    assert_told(REGISTRATION, 0, 3, 3);
}

/* R91: equal versions are equal lists, whosever they are, whatever came or went. */
static void
test_a_version_is_of_one_list(void **state)
{
    (void)state;
    move_to(REGISTRATION, "main");
    load_for("", 0, 1);
    load_for("main", 0, 2);
    assert_told(REGISTRATION, 1, 2, 2); /* a list of the point appears */
    load_for("main", 0, 2);
    assert_told(REGISTRATION, 2, 2, 2); /* the same again */
    load_for("main", 0, 3);
    assert_told(REGISTRATION, 2, 3, 3); /* it changes */
    load_for("main", 0, 0);
    assert_told(REGISTRATION, 3, 1, 1); /* it is removed */
    load_for("", 0, 4);
    assert_told(REGISTRATION, 3, 4, 4); /* what is behind it changes: not the one that had 3 */
    load_for("main", 0, 3);
    assert_told(REGISTRATION, 4, 5, 3); /* what was removed comes back */
    load_for("", 0, 0);
    load_for("main", 0, 0);
    load_for("", 0, 4);
    assert_told(REGISTRATION, 5, 6, 4);
}

static void
test_lists_are_listed_and_limited(void **state)
{
    static struct chek_nomenclature_known known[CHEK_NOMENCLATURE_COUNT_MAX + 1];
    char point[16];
    (void)state;
    assert_int_equal(chek_partition_nomenclatures(partition, all.organisation, known), 0);
    load_for("p1", 0, 1);
    assert_int_equal(chek_partition_nomenclatures(partition, all.organisation, known), 1);
    assert_true(chek_bytes_view_equal(known[0].whose.point, chek_bytes_view_text("p1")));
    load_for("", 0, 1);
    for (uint32_t i = 2; i <= CHEK_NOMENCLATURE_COUNT_MAX; i++) {
        (void)snprintf(point, sizeof point, "p%u", i);
        load_for(i % 2 == 0 ? point : "", i % 2 == 0 ? 0 : 90000 + i, i);
    }
    cpcr_reload();
    assert_int_equal(chek_partition_nomenclatures(partition, all.organisation, known),
                     CHEK_NOMENCLATURE_COUNT_MAX + 1);
    assert_true(known[0].whose.device == 0 && known[0].whose.point.size == 0);
    assert_int_equal(known[0].state.version, 2);

    struct chek_outcome outcome;
    struct chek_nomenclature more = goods_make(1, 10, 'a');
    more.device = 7;
    uint64_t hash = chek_partition_hash(partition);
    APPLY(CHEK_COMMAND_NOMENCLATURE, nomenclature, &more, CHEK_OK);
    assert_error(outcome.error, CHEK_E_LIMIT);
    assert_int_not_equal(chek_partition_hash(partition), hash); /* it was a command */
    load_for("p1", 0, 2);                                       /* one that is there is replaced */
    load_for("p1000", 0, 0);
    load_for("", 90001 + 4, 0);
    assert_int_equal(chek_partition_nomenclatures(partition, all.organisation, known),
                     CHEK_NOMENCLATURE_COUNT_MAX - 1);
    load(&more);
    assert_told(OTHER, 0, 2, 1);
}

/* What comes and goes leaves no memory taken. */
static void
test_lists_of_points_give_the_memory_back(void **state)
{
    (void)state;
    load_for("", 0, 1);
    load_for("a", 0, 1);
    load_for("b", 0, 1);
    uint64_t size = 0;
    for (uint32_t i = 0; i < 3000; i++) {
        load_for("c", 0, 1 + i);
        load_for("a", 0, i % 2);
        load_for("c", 0, 0);
        size = i == 100 ? chek_partition_heap_size(partition) : size;
    }
    assert_int_equal(chek_partition_heap_size(partition), size);
}

/* R95: every value is told, and what is empty is not. */
static void
test_every_value_is_told(void **state)
{
    struct chek_nomenclature goods = goods_make(3, 10, 'g');
    (void)state;
    elements[0].kind = CHEK_NOMENCLATURE_KIND_GROUP;
    elements[1] = (struct chek_nomenclature_element){
        .id = UINT64_MAX,
        .parent = 1,
        .title = chek_bytes_view_text("t"),
        .title_kk = chek_bytes_view_text("k"),
        .article = chek_bytes_view_text("a"),
        .barcode = chek_bytes_view_text("b"),
        .description = chek_bytes_view_text("d"),
        .purchase_price = 102,
        .sell_price = 340,
        .discount_percent = 7,
        .discount_sum = 5,
        .markup_percent = 8,
        .markup_sum = 600,
        .taxes = taxes,
        .taxes_count = CHEK_COUNT(taxes),
        .measure_count = 1000,
        .measure_title = chek_bytes_view_text("m"),
        .measure_fractional = true,
        .measure_unit = chek_bytes_view_text("796"),
        .ntin = chek_bytes_view_text("n"),
        .marked = true,
        .social = true,
    };
    load(&goods);
    Ingest__Response *answer = ask(REGISTRATION, 0, NULL);
    const Ingest__NomenclatureResponse *told = answer->nomenclature;
    assert_int_equal(told->n_elements, 3);
    assert_int_equal(told->created_time->date->year, 2026);
    assert_int_equal(told->created_time->date->day, 2);
    assert_int_equal(told->created_time->time->minute, 11);
    assert_int_equal(told->elements[0]->type, INGEST__NOMENCLATURE_ELEMENT_TYPE__ELEMENT_GROUP);
    assert_null(told->elements[0]->item);
    assert_item(told->elements[1]);
    const Ingest__NomenclatureItem *bare = told->elements[2]->item;
    assert_false(told->elements[2]->has_parent_group_id || told->elements[2]->has_title_kk);
    assert_false(bare->has_article || bare->has_barcode || bare->has_description ||
                 bare->has_discount_percent || bare->has_markup_percent ||
                 bare->has_measure_count || bare->has_measure_title ||
                 bare->has_measure_fractional || bare->has_measure_unit_code || bare->has_ntin ||
                 bare->has_is_markedeac || bare->has_is_social);
    assert_true(bare->purchase_price == NULL && bare->sell_price == NULL &&
                bare->discount_sum == NULL && bare->markup_sum == NULL && bare->n_taxes == 0);
    ingest__response__free_unpacked(answer, NULL);
}

/* As many elements as may be, which cost a register's form more than a record. */
static struct chek_nomenclature
wide_make(size_t size)
{
    struct chek_nomenclature goods = goods_make(ELEMENT_COUNT_MAX, size, 'a');
    for (uint32_t i = 0; i < ELEMENT_COUNT_MAX; i++) {
        elements[i].sell_price = 1;
        elements[i].taxes = taxes;
        elements[i].taxes_count = i % 200 == 0 ? CHEK_COUNT(taxes) : 0;
    }
    return goods;
}

/* R92: the largest list that passes the check is answered in one frame, with the service block. */
static void
test_the_largest_list_fits_a_frame(void **state)
{
    struct chek_fault fault;
    size_t size = 1;
    (void)state;
    struct chek_nomenclature goods = wide_make(size);
    while (chek_cpcr_nomenclature_check(&goods, &arena, &fault) == CHEK_OK) {
        chek_arena_reset(&arena);
        goods = wide_make(++size);
    }
    assert_int_equal(fault.field, CHEK_FIELD_NOMENCLATURE_ELEMENTS);
    assert_error(chek_cpcr_nomenclature_check(&goods, &arena, &fault), CHEK_E_LIMIT);
    goods = wide_make(size - 1);
    load(&goods);
    Ingest__Response *answer = ask(REGISTRATION, 0, NULL); /* its head is read: it is a frame */
    assert_int_equal(answer->nomenclature->n_elements, ELEMENT_COUNT_MAX);
    assert_true(ingest__response__get_packed_size(answer) >
                CHEK_CPCR_NOMENCLATURE_SIZE_MAX - 2 * ELEMENT_COUNT_MAX);
    ingest__response__free_unpacked(answer, NULL);
}

/* R24, R29: as INFO, it wants the token that is due; without its part it is no request. */
static void
test_what_is_refused(void **state)
{
    struct chek_outcome outcome;
    uint8_t bytes[8];
    struct chek_writer part = chek_writer_over(bytes, sizeof bytes);
    struct chek_nomenclature goods = goods_make(4, 10, 'a');
    const uint8_t command = INGEST__COMMAND_TYPE__COMMAND_NOMENCLATURE;
    (void)state;
    load(&goods);
    Ingest__Response *answers[] = {cpcr_ask(REGISTRATION, command, 5, &part, 1),
                                   cpcr_ask(REGISTRATION, command, 5, NULL, 0),
                                   cpcr_ask(REGISTRATION, command, 5, &part, 0), NULL};
    APPLY(CHEK_COMMAND_DEVICE, command_device,
          (&(struct chek_command_device){.registration = REGISTRATION,
                                         .change = CHEK_DEVICE_CHANGE_BLOCK}),
          CHEK_OK);
    (void)outcome;
    answers[3] = cpcr_ask(REGISTRATION, command, 5, &part, 0);
    static const uint32_t want[] = {CHEK_CPCR_INVALID_TOKEN, CHEK_CPCR_PROTOCOL_ERROR, CHEK_CPCR_OK,
                                    CHEK_CPCR_BLOCKED};
    for (size_t i = 0; i < CHEK_COUNT(want); i++) {
        assert_int_equal(answers[i]->result->result_code, want[i]);
        assert_int_equal(answers[i]->nomenclature != NULL, want[i] == CHEK_CPCR_OK);
        ingest__response__free_unpacked(answers[i], NULL);
    }
}

int
main(void)
{
    static struct table table;
    TABLE_TEST(&table, test_any_size_is_kept_replaced_and_loaded);
    TABLE_TEST(&table, test_the_same_again_is_the_same_version);
    TABLE_TEST(&table, test_a_smaller_one_gives_the_memory_back);
    TABLE_TEST(&table, test_organisations_have_their_own);
    TABLE_TEST(&table, test_a_list_is_removed);
    TABLE_TEST(&table, test_commands_that_are_none_are_corrupt);
    TABLE_ROWS(&table, test_check, check_rows);
    TABLE_TEST(&table, test_ids_of_a_full_list_are_told_apart);
    TABLE_ROWS(&table, test_answer, answer_rows);
    TABLE_TEST(&table, test_the_nearest_list_is_told);
    TABLE_TEST(&table, test_a_version_is_of_one_list);
    TABLE_TEST(&table, test_lists_are_listed_and_limited);
    TABLE_TEST(&table, test_lists_of_points_give_the_memory_back);
    TABLE_TEST(&table, test_every_value_is_told);
    TABLE_TEST(&table, test_the_largest_list_fits_a_frame);
    TABLE_TEST(&table, test_what_is_refused);
    for (size_t i = 0; i < table.count; i++) {
        table.tests[i].setup_func = cpcr_setup;
        table.tests[i].teardown_func = cpcr_teardown;
    }
    return table_run(&table, "nomenclature");
}
