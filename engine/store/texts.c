/* SPDX-License-Identifier: MIT */
/* texts.c - see the header. */
#include "engine/store/texts.h"

#include "engine/base/assertion.h"

struct listing {
    struct store__text *texts;
    uint32_t count, count_max;
};

static inline void
list(struct listing *to, enum store__dictionary_kind dictionary, struct chek_bytes_view text)
{
    if (text.size != 0 && to->count < to->count_max) {
        to->texts[to->count].text = text;
        to->texts[to->count].dictionary = dictionary;
        to->count += 1;
    }
}

static void
list_receipt(struct listing *to, const struct chek_receipt *receipt)
{
    list(to, STORE__DICTIONARY_OPERATOR, receipt->operator);
    list(to, STORE__DICTIONARY_CLIENT, receipt->client);
    list(to, STORE__DICTIONARY_FISCAL_DRIVE, receipt->fiscal_drive);
    if (receipt->parent != NULL) {
        list(to, STORE__DICTIONARY_PARENT_REGISTER, receipt->parent->registration_number);
    }
    if (receipt->discount != NULL) {
        list(to, STORE__DICTIONARY_MODIFIER_NAME, receipt->discount->name);
    }
    if (receipt->markup != NULL) {
        list(to, STORE__DICTIONARY_MODIFIER_NAME, receipt->markup->name);
    }
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        list(to, STORE__DICTIONARY_CODE, line->code);
        list(to, STORE__DICTIONARY_NAME, line->name);
        list(to, STORE__DICTIONARY_SECTION, line->section);
        list(to, STORE__DICTIONARY_UNIT, line->unit);
    }
}

uint32_t
store__texts_list(const struct chek_document *document, uint32_t count_max, struct store__text *ret)
{
    struct listing to = {.texts = ret, .count_max = count_max};
    if (document->receipt != NULL) {
        list_receipt(&to, document->receipt);
    } else if (document->movement != NULL) {
        list(&to, STORE__DICTIONARY_OPERATOR, document->movement->operator);
    } else {
        list(&to, STORE__DICTIONARY_OPERATOR, document->close->operator);
    }
    return to.count;
}

void
store__texts_intern(struct chek_store *store, struct store__text *texts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        texts[i].tag = store__dictionary_prefetch_bucket(&store->dictionaries[texts[i].dictionary],
                                                         texts[i].text);
    }
    for (uint32_t i = 0; i < count; i++) {
        texts[i].code = store__dictionary_intern_tagged(&store->dictionaries[texts[i].dictionary],
                                                        &store->pool, texts[i].text, texts[i].tag);
    }
}

void
chek_store_prefetch(struct chek_store *store, const struct chek_document *document)
{
    struct store__text texts[STORE__AHEAD_COUNT_MAX];
    struct store__ahead *ahead = &store->ahead;
    for (uint32_t i = 0; i < ahead->count; i++) {
        store__dictionary_prefetch_text(&store->dictionaries[ahead->dictionaries[i]],
                                        ahead->tags[i]);
    }
    store__set_prefetch(store->newest, document->registration);
    ahead->count = 0;
    uint32_t count = store__texts_list(document, STORE__AHEAD_COUNT_MAX, texts);
    for (uint32_t i = 0; i < count; i++) {
        const struct store__dictionary *dictionary = &store->dictionaries[texts[i].dictionary];
        if (store__dictionary_is_large(dictionary)) {
            ahead->dictionaries[ahead->count] = (uint8_t)texts[i].dictionary;
            ahead->tags[ahead->count] =
                store__dictionary_prefetch_bucket(dictionary, texts[i].text);
            ahead->count += 1;
        }
    }
}
