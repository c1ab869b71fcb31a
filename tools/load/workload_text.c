/* SPDX-License-Identifier: MIT */
/*
 * workload_text.c - texts of the workload: products as they begin a line, and who owns a register.
 *
 * Profile A has product codes and sections alone; B names its products, in the letters that are
 * seen on receipts of Kazakhstan and Russia.
 */
#include <stdio.h>

#include "engine/base/assertion.h"
#include "tools/load/workload_run.h"

#define NAMES_SALT UINT64_C(0x6e616d6573) /* "names" */
#define BIT(record, name) (UINT32_C(1) << (CHEK_FIELD_##record##_##name % CHEK_FIELDS_A_RECORD - 1))
#define LINE_MASK                                                                    \
    (BIT(LINE, CODE) | BIT(LINE, SECTION) | BIT(LINE, QUANTITY) | BIT(LINE, PRICE) | \
     BIT(LINE, SUM) | BIT(LINE, TAXES))

static const char *const words[] = {
    "Хлеб",     "Молоко",  "Сыр",     "Айран",     "Құрт",    "Қымыз",     "Шай",    "Кофе",
    "Вода",     "Сок",     "Яблоки",  "Картофель", "Рис",     "Гречка",    "Сахар",  "Соль",
    "Масло",    "Кефир",   "Творог",  "Йогурт",    "Печенье", "Шоколад",   "Нан",    "Ет",
    "Балық",    "Сүт",     "Жеміс",   "белый",     "чёрный",  "пшеничный", "ақ",     "қара",
    "домашний", "Extra",   "Premium", "500 г",     "1 л",     "0,5 л",     "2,5%",   "№1",
    "әже",      "ірімшік", "көкөніс", "упак.",     "шт.",     "классик",   "Алматы", "Дала",
};

/* Bytes of the character that begins with `lead`. */
static size_t
character_size(uint8_t lead)
{
    return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* 8 to 60 bytes, mean 28: words until the size is reached, cut between characters, filled up with
 * digits when a character is in the way. */
static size_t
name_make(struct chek_prng *prng, char name[WORKLOAD_NAME_SIZE_MAX])
{
    uint64_t a = chek_prng_below(prng, 53);
    uint64_t b = chek_prng_below(prng, 53);
    size_t target =
        WORKLOAD_NAME_SIZE_MIN + (size_t)(a < b ? a : b) + (size_t)chek_prng_below(prng, 6);
    if (target > WORKLOAD_NAME_SIZE_MAX) {
        target = WORKLOAD_NAME_SIZE_MAX;
    }
    size_t size = 0;
    while (size < target) {
        const char *word = words[chek_prng_below(prng, CHEK_COUNT(words))];
        for (size_t step; *word != 0 && size < target; word += step) {
            step = character_size((uint8_t)*word);
            if (size + step > target) {
                break;
            }
            memcpy(name + size, word, step);
            size += step;
        }
        if (size < target) {
            name[size] = *word == 0 && size + 1 < target ? ' ' : '7';
            size += 1;
        }
    }
    return size;
}

static void
product_make(uint8_t *slot, size_t slot_size, uint32_t number, struct chek_bytes_view name)
{
    char code[12];
    char section[12];
    (void)snprintf(code, sizeof code, "%u", number);
    (void)snprintf(section, sizeof section, "%u", number % WORKLOAD_SECTION_COUNT);

    struct chek_writer out = chek_writer_over(slot + 1, slot_size - 1);
    chek_writer_u16(&out, (uint16_t)(LINE_MASK | (name.size != 0 ? BIT(LINE, NAME) : 0)));
    chek_writer_varint(&out, strlen(code));
    chek_writer_view(&out, chek_bytes_view_text(code));
    if (name.size != 0) {
        chek_writer_varint(&out, name.size);
        chek_writer_view(&out, name);
    }
    chek_writer_varint(&out, strlen(section));
    chek_writer_view(&out, chek_bytes_view_text(section));
    CHEK_ASSERT(!out.full);
    slot[0] = (uint8_t)out.size;
}

int
load__texts_make(struct chek_workload *workload)
{
    struct chek_prng prng;
    chek_prng_init(&prng, workload->options.seed ^ NAMES_SALT);
    for (uint32_t i = 0; i < WORKLOAD_PRODUCT_COUNT; i++) {
        char name[WORKLOAD_NAME_SIZE_MAX];
        size_t size = workload->options.profile == CHEK_WORKLOAD_B ? name_make(&prng, name) : 0;
        product_make(workload->products + i * workload->slot_size, workload->slot_size, i,
                     chek_bytes_view_of(name, size));
    }
    return CHEK_OK;
}

void
chek_workload_register(const struct chek_workload *workload, uint32_t register_index,
                       struct chek_workload_register_text *text, struct chek_register *ret)
{
    bool is_b = workload->options.profile == CHEK_WORKLOAD_B;
    uint32_t organisation = is_b ? workload->organisations[register_index] : register_index / 10;
    uint32_t point = is_b ? workload->points[register_index] : register_index % 10 / 2;

    CHEK_ASSERT(register_index < workload->register_count);
    (void)snprintf(text->organisation, sizeof text->organisation, "%u%011u", 1 + is_b,
                   organisation);
    (void)snprintf(text->point, sizeof text->point, "P%u", point + 1);
    (void)snprintf(text->number, sizeof text->number, "%c-%llu-%u", is_b ? 'B' : 'A',
                   (unsigned long long)workload->options.seed, register_index);
    text->key = (struct chek_register_key){
        .kind = CHEK_KEY_KIND_REGISTRATION_NUMBER,
        .value = chek_bytes_view_text(text->number),
    };
    *ret = (struct chek_register){
        .keys = &text->key,
        .keys_count = 1,
        .organisation = chek_bytes_view_text(text->organisation),
        .point = chek_bytes_view_text(text->point),
        .zone_minutes = 300,
    };
}
