/* SPDX-License-Identifier: MIT */
#include "tools/kkm/kkm_question.h"

#include "tools/kkm/kkm_build.h"

#define PACKED_SIZE 1024
#define VAT 100

void
chek_kkm_asker_init(struct chek_kkm_asker *asker, const struct chek_kkm_options *options,
                    uint32_t device)
{
    *asker = (struct chek_kkm_asker){0};
    chek_prng_init(&asker->prng, options->seed * 3 ^ (uint64_t)device << 21);
}

/* ---- asking ----------------------------------------------------------------------------------- */

static void
auth_draw(struct chek_kkm_asker *asker, const struct chek_kkm_options *options,
          const char *organisation, struct chek_kkm_question *ret)
{
    ret->person = (uint32_t)chek_prng_below(&asker->prng, options->person_count);
    struct chek_kkm_person person = chek_kkm_person_of(options, organisation, ret->person);
    memcpy(ret->login, person.login, sizeof ret->login);
    memcpy(ret->password, person.password, sizeof ret->password);
    if (asker->was_told && asker->wrong_count < CHEK_KKM_WRONG_COUNT_MAX &&
        chek_prng_below(&asker->prng, 3) == 0) {
        bool is_login = chek_prng_below(&asker->prng, 2) == 0;
        asker->wrong_count += 1;
        ret->is_wrong = true;
        (is_login ? ret->login : ret->password)[0] = '?';
    }
}

static void
nomenclature_draw(struct chek_kkm_asker *asker, const struct chek_kkm_options *options,
                  struct chek_kkm_question *ret)
{
    uint64_t kind = chek_prng_below(&asker->prng, 4);
    if (asker->version != 0) { /* what it has, none or another one */
        ret->version = kind == 0 ? 0 : kind == 1 ? asker->version + 1 : asker->version;
    }
    if (asker->version != 0 && kind == 3 && options->protocol >= 203) {
        struct chek_kkm_good good =
            chek_kkm_good_of(options, (uint32_t)chek_prng_below(&asker->prng, options->good_count));
        memcpy(ret->barcode, "1", sizeof "1");
        if (good.barcode[0] != 0) {
            memcpy(ret->barcode, good.barcode, sizeof ret->barcode);
        }
    }
}

enum chek_kkm_asks
chek_kkm_question_draw(struct chek_kkm_asker *asker, const struct chek_kkm_options *options,
                       const char *organisation, struct chek_kkm_question *ret)
{
    bool asks_auth = options->person_count != 0 && !asker->was_told;
    bool asks_list = options->good_count != 0 && asker->version == 0;
    *ret = (struct chek_kkm_question){0};
    if (!asks_auth && !asks_list) {
        uint64_t kind = chek_prng_below(&asker->prng, 16);
        asks_auth = options->person_count != 0 && kind == 0;
        asks_list = options->good_count != 0 && kind == 1;
    }
    if (asks_auth) {
        auth_draw(asker, options, organisation, ret);
        return CHEK_KKM_ASKS_AUTH;
    }
    if (asks_list) {
        nomenclature_draw(asker, options, ret);
        return CHEK_KKM_ASKS_NOMENCLATURE;
    }
    return CHEK_KKM_ASKS_NOTHING;
}

void
chek_kkm_question_broken(const struct chek_kkm_options *options, const char *organisation,
                         struct chek_kkm_question *question)
{
    if (question->is_wrong) {
        struct chek_kkm_person person = chek_kkm_person_of(options, organisation, question->person);
        memcpy(question->login, person.login, sizeof question->login);
        memcpy(question->password, person.password, sizeof question->password);
        question->is_wrong = false;
    }
}

/* ---- AUTH ------------------------------------------------------------------------------------- */

static bool
is_text(bool has, const ProtobufCBinaryData *data, const char *want)
{
    return want[0] == 0
               ? !has || data->len == 0
               : has && data->len == strlen(want) && memcmp(data->data, want, data->len) == 0;
}

const char *
chek_kkm_auth_finding(const struct chek_kkm_options *options, const char *organisation,
                      const struct chek_kkm_question *question, const Kkm__AuthResponse *answer,
                      struct chek_kkm_asker *asker)
{
    uint32_t roles = 0;
    if (answer == NULL) {
        return "AUTH is not answered";
    }
    asker->was_told = true;
    for (size_t i = 0; i < answer->n_roles; i++) {
        roles |= UINT32_C(1) << ((unsigned)answer->roles[i] - 1) % 32;
    }
    if (question->is_wrong) {
        if (answer->result != KKM__AUTH_RESULT_ENUM__AUTH_INVALID_LOGIN_PASSWORD) {
            return "a wrong login or password is taken";
        }
        bool tells = answer->has_operator_code || answer->has_operator_name || roles != 0;
        return tells ? "a wrong password is told who the operator is" : NULL;
    }
    struct chek_kkm_person person = chek_kkm_person_of(options, organisation, question->person);
    if (answer->result != KKM__AUTH_RESULT_ENUM__AUTH_OK) {
        return "the right password is refused";
    }
    if (!answer->has_operator_code || answer->operator_code != person.code ||
        !is_text(answer->has_operator_name, &answer->operator_name, person.name)) {
        return "AUTH tells another operator";
    }
    return roles != person.roles ? "AUTH tells other roles" : NULL;
}

/* ---- NOMENCLATURE ----------------------------------------------------------------------------- */

static void
text_set(protobuf_c_boolean *has, ProtobufCBinaryData *data, const char *text)
{
    *has = text[0] != 0;
    *data = (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
}

static Kkm__NomenclatureItem *
item_make(struct chek_arena *arena, const struct chek_kkm_good *good)
{
    Kkm__NomenclatureItem *item = KKM__NEW(arena, Kkm__NomenclatureItem, kkm__nomenclature_item);
    text_set(&item->has_article, &item->article, good->article);
    text_set(&item->has_barcode, &item->barcode, good->barcode);
    text_set(&item->has_measure_unit_code, &item->measure_unit_code, good->unit);
    text_set(&item->has_ntin, &item->ntin, good->ntin);
    item->purchase_price =
        good->purchase_price != 0 ? kkm__money_make(arena, good->purchase_price) : NULL;
    item->sell_price = good->sell_price != 0 ? kkm__money_make(arena, good->sell_price) : NULL;
    item->has_is_markedeac = item->is_markedeac = good->is_marked;
    item->taxes = kkm__list(arena, good->tax_count);
    for (uint32_t i = 0; i < good->tax_count; i++) {
        Kkm__NomenclatureTax *tax = KKM__NEW(arena, Kkm__NomenclatureTax, kkm__nomenclature_tax);
        tax->taxation_type = good->taxes[i].taxation;
        tax->tax_type = VAT;
        tax->tax_percent = good->taxes[i].percent;
        item->taxes[item->n_taxes++] = tax;
    }
    return item;
}

/* Whether an element of an answer says this and nothing else: the same bytes. */
static bool
is_good(const Kkm__NomenclatureElement *told, const struct chek_kkm_good *good,
        struct chek_arena *arena)
{
    uint8_t want_bytes[PACKED_SIZE], told_bytes[PACKED_SIZE];
    chek_arena_reset(arena);
    Kkm__NomenclatureElement *want =
        KKM__NEW(arena, Kkm__NomenclatureElement, kkm__nomenclature_element);
    want->type = good->is_group ? KKM__ELEMENT_TYPE_ENUM__ELEMENT_GROUP
                                : KKM__ELEMENT_TYPE_ENUM__ELEMENT_ITEM;
    want->title = (ProtobufCBinaryData){strlen(good->title), (uint8_t *)(uintptr_t)good->title};
    want->has_parent_group_id = good->parent != 0;
    want->parent_group_id = good->parent;
    want->id = good->id;
    want->item = good->is_group ? NULL : item_make(arena, good);
    text_set(&want->has_title_kk, &want->title_kk, good->title_kk);
    size_t size = kkm__nomenclature_element__get_packed_size(want);
    CHEK_ASSERT(size <= sizeof want_bytes);
    if (kkm__nomenclature_element__get_packed_size(told) != size) {
        return false;
    }
    (void)kkm__nomenclature_element__pack(want, want_bytes);
    (void)kkm__nomenclature_element__pack(told, told_bytes);
    return memcmp(want_bytes, told_bytes, size) == 0;
}

/* All elements, or those with the bar code, in their order and no others. */
static const char *
elements_finding(const struct chek_kkm_options *options, const struct chek_kkm_question *question,
                 const Kkm__NomenclatureResponse *answer, struct chek_arena *scratch)
{
    size_t found = 0;
    for (uint32_t i = 0; i < options->good_count; i++) {
        struct chek_kkm_good good = chek_kkm_good_of(options, i);
        if (question->barcode[0] != 0 && strcmp(good.barcode, question->barcode) != 0) {
            continue;
        }
        if (found >= answer->n_elements || !is_good(answer->elements[found], &good, scratch)) {
            return "NOMENCLATURE tells another element, or not all";
        }
        found += 1;
    }
    return found != answer->n_elements ? "NOMENCLATURE tells an element that there is not" : NULL;
}

static Kkm__NomenclatureResultEnum
result_wanted(const struct chek_kkm_options *options, const struct chek_kkm_question *question,
              const struct chek_kkm_asker *asker)
{
    bool is_there = question->barcode[0] == 0;
    if (is_there) {
        return question->version != 0 && question->version == asker->version
                   ? KKM__NOMENCLATURE_RESULT_ENUM__NOMENCLATURE_VERSION_IS_ACTUAL
                   : KKM__NOMENCLATURE_RESULT_ENUM__NOMENCLATURE_OK;
    }
    for (uint32_t i = 0; !is_there && i < options->good_count; i++) {
        is_there = strcmp(chek_kkm_good_of(options, i).barcode, question->barcode) == 0;
    }
    return is_there ? KKM__NOMENCLATURE_RESULT_ENUM__NOMENCLATURE_OK
                    : KKM__NOMENCLATURE_RESULT_ENUM__NOMENCLATURE_ELEMENT_NOT_FOUND_BY_BARCODE;
}

const char *
chek_kkm_nomenclature_finding(const struct chek_kkm_options *options,
                              const struct chek_kkm_question *question,
                              const Kkm__NomenclatureResponse *answer, struct chek_arena *scratch,
                              struct chek_kkm_asker *asker)
{
    if (answer == NULL) {
        return "NOMENCLATURE is not answered";
    }
    if (answer->version == 0 || (asker->version != 0 && answer->version != asker->version)) {
        return "NOMENCLATURE tells another version, and nobody loaded a list";
    }
    asker->version = answer->version;
    Kkm__NomenclatureResultEnum wanted = result_wanted(options, question, asker);
    if (answer->result != wanted) {
        return "NOMENCLATURE is answered with another result";
    }
    if (wanted != KKM__NOMENCLATURE_RESULT_ENUM__NOMENCLATURE_OK) {
        return answer->n_elements != 0 ? "NOMENCLATURE tells elements that nobody asked for" : NULL;
    }
    return elements_finding(options, question, answer, scratch);
}
