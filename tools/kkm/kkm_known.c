/* SPDX-License-Identifier: MIT */
#include "tools/kkm/kkm_known.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/assertion.h"
#include "engine/base/prng.h"
#include "engine/base/writer.h"

#define GROUP_EVERY 8 /* a group, and the items that are in it */
#define BARCODE_BASE UINT64_C(4870000000000)
#define BODY_SIZE 131072

/* ---- who and what ----------------------------------------------------------------------------- */

struct chek_kkm_person
chek_kkm_person_of(const struct chek_kkm_options *options, const char *organisation, uint32_t index)
{
    static const char *const names[] = {"", "Aliya", "Әлия Қ.", "Иван"};
    struct chek_kkm_person person = {.code = index * 7 + 1};
    struct chek_prng prng;
    chek_prng_init(&prng, options->seed ^ (uint64_t)strtoull(organisation, NULL, 10) << 8 ^ index);
    (void)snprintf(person.login, sizeof person.login, "kassir%u", index);
    (void)snprintf(person.password, sizeof person.password, "%06u",
                   (unsigned)chek_prng_below(&prng, 1000000));
    (void)snprintf(person.name, sizeof person.name, "%s",
                   names[chek_prng_below(&prng, CHEK_COUNT(names))]);
    person.roles = (uint32_t)chek_prng_below(&prng, 8);
    return person;
}

static void
item_make(struct chek_prng *prng, uint32_t index, struct chek_kkm_good *item)
{
    static const uint32_t percents[] = {0, 5000, 10000, 12000, 16000};
    item->parent = (uint64_t)(index / GROUP_EVERY * GROUP_EVERY) + 1;
    item->sell_price = (int64_t)chek_prng_below(prng, 1000000);
    item->purchase_price = (int64_t)chek_prng_below(prng, 2) * (item->sell_price / 2);
    item->is_marked = chek_prng_below(prng, 4) == 0;
    (void)snprintf(item->unit, sizeof item->unit, "%s", index % 3 == 0 ? "796" : "166");
    /* Two items have a bar code together. */
    (void)snprintf(item->barcode, sizeof item->barcode, "%llu",
                   (unsigned long long)(BARCODE_BASE + index / 2));
    if (index % 3 == 1) {
        (void)snprintf(item->article, sizeof item->article, "A-%u", index);
        (void)snprintf(item->ntin, sizeof item->ntin, "02%011u", index);
    }
    item->tax_count = (uint32_t)chek_prng_below(prng, CHEK_KKM_GOOD_TAX_COUNT_MAX + 1);
    for (uint32_t i = 0; i < item->tax_count; i++) {
        item->taxes[i].taxation = 100 + i;
        item->taxes[i].percent = percents[chek_prng_below(prng, CHEK_COUNT(percents))];
    }
}

struct chek_kkm_good
chek_kkm_good_of(const struct chek_kkm_options *options, uint32_t index)
{
    struct chek_kkm_good good = {.id = (uint64_t)index + 1, .is_group = index % GROUP_EVERY == 0};
    struct chek_prng prng;
    chek_prng_init(&prng, ~options->seed ^ (uint64_t)index << 32);
    (void)snprintf(good.title, sizeof good.title, "%s %u", good.is_group ? "Группа" : "Товар",
                   (unsigned)chek_prng_below(&prng, 100000));
    if (chek_prng_below(&prng, 2) == 0) {
        (void)snprintf(good.title_kk, sizeof good.title_kk, "Тауар %u", index);
    }
    if (!good.is_group) {
        item_make(&prng, index, &good);
    }
    return good;
}

/* ---- CSV -------------------------------------------------------------------------------------- */

static int
flush(FILE *out)
{
    errno = 0;
    return fflush(out) == 0 && !ferror(out) ? CHEK_OK : errno != 0 ? -errno : -EIO;
}

/* Whether the register at `index` is the first one of its organisation. */
static bool
is_first(const struct chek_kkm_options *options, uint32_t index)
{
    return index == 0 || (options->first_device + index) % CHEK_KKM_REGISTERS_AN_ORGANISATION == 0;
}

int
chek_kkm_people_write(const struct chek_kkm_options *options, FILE *out)
{
    static const char *const roles[] = {"paymaster", "chief", "administrator"};
    (void)fputs("device,org,login,password,code,name,roles\n", out);
    for (uint32_t at = 0; at < options->register_count; at++) {
        struct chek_kkm_identity identity = chek_kkm_identity_of(options, at);
        for (uint32_t i = 0; is_first(options, at) && i < options->person_count; i++) {
            struct chek_kkm_person person = chek_kkm_person_of(options, identity.organisation, i);
            (void)fprintf(out, ",%s,%s,%s,%u,%s,", identity.organisation, person.login,
                          person.password, person.code, person.name);
            const char *before = "";
            for (size_t role = 0; role < CHEK_COUNT(roles); role++) {
                if ((person.roles >> role & 1) != 0) {
                    (void)fprintf(out, "%s%s", before, roles[role]);
                    before = "+";
                }
            }
            (void)fputc('\n', out);
        }
    }
    return flush(out);
}

static void
number_write(FILE *out, uint64_t number)
{
    if (number != 0) {
        (void)fprintf(out, "%llu", (unsigned long long)number);
    }
}

int
chek_kkm_goods_write(const struct chek_kkm_options *options, FILE *out)
{
    (void)fputs("kind,id,title,title_kk,article,barcode,measure_unit,ntin,marked,parent,"
                "purchase_price,sell_price,taxes\n",
                out);
    for (uint32_t at = 0; at < options->good_count; at++) {
        struct chek_kkm_good good = chek_kkm_good_of(options, at);
        (void)fprintf(out, "%s,%llu,%s,%s,%s,%s,%s,%s,%s,", good.is_group ? "group" : "item",
                      (unsigned long long)good.id, good.title, good.title_kk, good.article,
                      good.barcode, good.unit, good.ntin, good.is_marked ? "true" : "");
        number_write(out, good.parent);
        (void)fputc(',', out);
        number_write(out, (uint64_t)good.purchase_price);
        (void)fputc(',', out);
        number_write(out, (uint64_t)good.sell_price);
        (void)fputc(',', out);
        for (uint32_t i = 0; i < good.tax_count; i++) {
            (void)fprintf(out, "%s%u/100/%u", i != 0 ? " " : "", good.taxes[i].taxation,
                          good.taxes[i].percent);
        }
        (void)fputc('\n', out);
    }
    return flush(out);
}

/* ---- by the native protocol ------------------------------------------------------------------- */

static int
on_answer(void *context, struct chek_bytes_view body)
{
    (void)context;
    (void)body;
    return CHEK_OK;
}

static int
people_add(const struct chek_kkm_options *options, struct chek_client *client,
           const char *organisation)
{
    uint8_t bytes[512];
    int error = CHEK_OK;
    for (uint32_t i = 0; error == CHEK_OK && i < options->person_count; i++) {
        struct chek_kkm_person person = chek_kkm_person_of(options, organisation, i);
        struct chek_operator_set what = {.organisation = chek_bytes_view_text(organisation),
                                         .login = chek_bytes_view_text(person.login),
                                         .password = chek_bytes_view_text(person.password),
                                         .code = person.code,
                                         .name = chek_bytes_view_text(person.name),
                                         .roles = person.roles};
        struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
        chek_operator_set_encode(&out, &what);
        CHEK_ASSERT(!out.full);
        error = chek_client_request(client, CHEK_OPCODE_OPERATOR_SET,
                                    chek_bytes_view_of(bytes, out.size), on_answer, NULL);
    }
    return error;
}

/* A good with what its record points to. */
struct element {
    struct chek_kkm_good good;
    struct chek_nomenclature_tax taxes[CHEK_KKM_GOOD_TAX_COUNT_MAX];
};

static void
element_make(struct element *from, struct chek_nomenclature_element *to)
{
    const struct chek_kkm_good *good = &from->good;
    *to = (struct chek_nomenclature_element){
        .id = good->id,
        .kind = good->is_group ? CHEK_NOMENCLATURE_KIND_GROUP : CHEK_NOMENCLATURE_KIND_ITEM,
        .parent = good->parent,
        .title = chek_bytes_view_text(good->title),
        .title_kk = chek_bytes_view_text(good->title_kk),
        .article = chek_bytes_view_text(good->article),
        .barcode = chek_bytes_view_text(good->barcode),
        .measure_unit = chek_bytes_view_text(good->unit),
        .ntin = chek_bytes_view_text(good->ntin),
        .purchase_price = good->purchase_price,
        .sell_price = good->sell_price,
        .marked = good->is_marked,
        .taxes = from->taxes,
        .taxes_count = good->tax_count,
    };
    for (uint32_t i = 0; i < good->tax_count; i++) {
        from->taxes[i] = (struct chek_nomenclature_tax){.taxation_type = good->taxes[i].taxation,
                                                        .tax_type = 100,
                                                        .tax_percent = good->taxes[i].percent};
    }
}

static int
goods_add(const struct chek_kkm_options *options, struct chek_client *client,
          const char *organisation)
{
    static uint8_t bytes[BODY_SIZE];
    static struct element elements[CHEK_KKM_GOOD_COUNT_MAX];
    static struct chek_nomenclature_element list[CHEK_KKM_GOOD_COUNT_MAX];
    for (uint32_t i = 0; i < options->good_count; i++) {
        elements[i].good = chek_kkm_good_of(options, i);
        element_make(&elements[i], &list[i]);
    }
    struct chek_nomenclature what = {.organisation = chek_bytes_view_text(organisation),
                                     .created = options->life.begin_s,
                                     .elements = list,
                                     .elements_count = options->good_count};
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_nomenclature_encode(&out, &what);
    CHEK_ASSERT(!out.full);
    return chek_client_request(client, CHEK_OPCODE_NOMENCLATURE_LOAD,
                               chek_bytes_view_of(bytes, out.size), on_answer, NULL);
}

int
chek_kkm_known_add(const struct chek_kkm_options *options, struct chek_client *client)
{
    int error = CHEK_OK;
    for (uint32_t at = 0; error == CHEK_OK && at < options->register_count; at++) {
        struct chek_kkm_identity identity = chek_kkm_identity_of(options, at);
        if (!is_first(options, at)) {
            continue;
        }
        error = people_add(options, client, identity.organisation);
        if (error == CHEK_OK && options->good_count != 0) {
            error = goods_add(options, client, identity.organisation);
        }
    }
    return error;
}
