// Lends connections to transactions: the one writer in the order of asking, readers as many as are asked for at once.
// Knows neither SQL nor any table.
// SPDX-License-Identifier: Apache-2.0
#include "store/store_internal.h"

static void wait_turn(struct gs_store *store)
{
    struct gs_turn turn = {.came = PTHREAD_COND_INITIALIZER};
    struct gs_turn **last = &store->turns;
    while (*last)
        last = &(*last)->next;
    *last = &turn;
    while (!turn.here)
        pthread_cond_wait(&turn.came, &store->lock);
    pthread_cond_destroy(&turn.came);
}

static struct gs_db *lend_writer(struct gs_store *store)
{
    pthread_mutex_lock(&store->lock);
    if (store->writing)
        wait_turn(store);
    store->writing = true;
    pthread_mutex_unlock(&store->lock);
    return store->writer;
}

// Goes to the next in line directly, so that nobody who comes later overtakes.
static void take_back_writer(struct gs_store *store)
{
    pthread_mutex_lock(&store->lock);
    struct gs_turn *next = store->turns;
    if (next) {
        store->turns = next->next;
        next->here = true;
        pthread_cond_signal(&next->came);
    } else {
        store->writing = false;
    }
    pthread_mutex_unlock(&store->lock);
}

// An idle reader; or NULL, when one may be opened: the caller, who has been counted, is to do that.
static struct gs_db *take_reader(struct gs_store *store, bool may_open)
{
    struct gs_db *db = NULL;
    pthread_mutex_lock(&store->lock);
    while (store->idle_count == 0 && !(may_open && store->reader_count < GS_STORE_READERS_MAX))
        pthread_cond_wait(&store->reader_returned, &store->lock);
    if (store->idle_count > 0)
        db = store->idle[--store->idle_count];
    else
        store->reader_count++;
    pthread_mutex_unlock(&store->lock);
    return db;
}

static void uncount_reader(struct gs_store *store)
{
    pthread_mutex_lock(&store->lock);
    store->reader_count--;
    pthread_cond_signal(&store->reader_returned);
    pthread_mutex_unlock(&store->lock);
}

static struct gs_db *lend_reader(struct gs_store *store)
{
    struct gs_db *db = take_reader(store, true);
    // Without descriptors or memory for another one, those that were opened at the start have to do.
    if (!db && gs_db_open(store->path, false, &db, NULL) != GS_OK) {
        uncount_reader(store);
        db = take_reader(store, false);
    }
    return db;
}

static void take_back_reader(struct gs_store *store, struct gs_db *db)
{
    pthread_mutex_lock(&store->lock);
    store->idle[store->idle_count++] = db;
    pthread_cond_signal(&store->reader_returned);
    pthread_mutex_unlock(&store->lock);
}

static void take_back(struct gs_store *store, struct gs_db *db, bool writable)
{
    if (writable)
        take_back_writer(store);
    else
        take_back_reader(store, db);
}

static enum gs_status begin(struct gs_store *store, struct gs_db *db, enum gs_db_mode mode,
                            struct gs_tx **out_tx, struct gs_error *err)
{
    bool writable = mode != GS_DB_READ;
    enum gs_status status = gs_db_begin(db, mode, err);
    if (status != GS_OK) {
        take_back(store, db, writable);
        return status;
    }
    struct gs_tx *tx = gs_xcalloc(1, sizeof *tx);
    tx->store = store;
    tx->db = db;
    tx->writable = writable;
    gs_buf_init(&tx->loose_documents, SIZE_MAX / 4);
    *out_tx = tx;
    return GS_OK;
}

enum gs_status gs_tx_read(struct gs_store *store, struct gs_tx **out_tx, struct gs_error *err)
{
    if (store->base)
        store = store->base;
    return begin(store, lend_reader(store), GS_DB_READ, out_tx, err);
}

// Through a handle that holds its commits: a later transaction goes on with what an earlier one left open.
static enum gs_status write_held(struct gs_store *hold, struct gs_tx **out_tx, struct gs_error *err)
{
    struct gs_tx *tx = gs_store_take_held(hold);
    enum gs_status status = tx ? GS_OK : gs_tx_write(hold->base, &tx, err);
    if (status != GS_OK)
        return status;
    tx->hold = hold;
    *out_tx = tx;
    return GS_OK;
}

enum gs_status gs_tx_write(struct gs_store *store, struct gs_tx **out_tx, struct gs_error *err)
{
    if (store->base)
        return write_held(store, out_tx, err);
    return begin(store, lend_writer(store), GS_DB_WRITE, out_tx, err);
}

enum gs_status gs_tx_write_relaxed(struct gs_store *store, struct gs_tx **out_tx,
                                   struct gs_error *err)
{
    if (store->base)
        return write_held(store, out_tx, err);
    return begin(store, lend_writer(store), GS_DB_WRITE_RELAXED, out_tx, err);
}

static void keep_open(struct gs_tx **tx)
{
    struct gs_store *hold = (*tx)->hold;
    (*tx)->hold = NULL;
    hold->held = *tx;
    *tx = NULL;
}

enum gs_status gs_tx_commit(struct gs_tx **tx, struct gs_error *err)
{
    if ((*tx)->hold) {
        keep_open(tx);
        return GS_OK;
    }
    enum gs_status status = gs_documents_sweep(*tx, err);
    if (status == GS_OK)
        status = gs_db_commit((*tx)->db, err);
    gs_tx_end(tx);
    return status;
}

void gs_tx_end(struct gs_tx **tx)
{
    struct gs_tx *ended = *tx;
    if (!ended)
        return;
    // After a commit there is nothing left to roll back.
    gs_db_rollback(ended->db);
    take_back(ended->store, ended->db, ended->writable);
    gs_buf_release(&ended->loose_documents);
    free(ended);
    *tx = NULL;
}
