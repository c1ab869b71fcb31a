/* SPDX-License-Identifier: MIT */
/*
 * store_fixture.h - a few documents that use every column, and stores of them.
 */
#ifndef CHEK_TESTS_STORE_FIXTURE_H
#define CHEK_TESTS_STORE_FIXTURE_H

#include "engine/store/store.h"

#define STORE_FIXTURE_ROW_COUNT 11

struct store_fixture_row {
    struct chek_row row;
    struct chek_document document;
};

/* The rows, always the same. Ownership: static storage. */
const struct store_fixture_row *store_fixture_rows(void);

/* Make a document one as it comes out of its bytes. Ownership: it is in `arena` then. */
void store_fixture_normalise(struct chek_document *document, struct chek_arena *arena,
                             size_t size_max);

/* Four rows a segment, and dictionaries with room for three texts. */
struct chek_store_config store_fixture_config(void);

/* Memory for segments that belong to no store. Ownership: static. */
struct store__space *store_fixture_space(void);

/* A store with the first `count` rows, of which all full sets are sealed when `sealed`. */
struct chek_store *store_fixture_make(uint32_t count, bool sealed);

void store_fixture_append(struct chek_store *store, const struct store_fixture_row *row);
void store_fixture_seal(struct chek_store *store);

/* The image of a store in memory from malloc(). */
struct chek_bytes_view store_fixture_image(const struct chek_store *store);

/* Assert that the first `count` rows are read as they were appended. */
void store_fixture_check(const struct chek_store *store, uint32_t count);

#endif
