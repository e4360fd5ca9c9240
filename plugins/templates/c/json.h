/* Reads and writes JSON. Numbers and texts stay as they were written, so that nothing is lost on the way, and nothing is
 * ever freed: the program ends when its answer is written. This file is part of the plugin: change what does not fit. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_DEPTH 512

typedef struct json json;

struct json {
    /* '{', '[', '"' for a text, '0' for a number, and 't', 'f' or 'n' for true, false and null. */
    char type;
    /* A text with its quotes and escapes, a number or a literal, as it is written. */
    const char *text;
    size_t length;
    /* The key in a mapping, with its quotes. */
    const char *key;
    size_t key_length;
    /* What is in a mapping or a list, and what follows in the one that this is in. */
    json *first;
    json *last;
    json *next;
};

static void json_fail(const char *message) {
    fprintf(stderr, "%s\n", message);
    exit(1);
}

/* Gives zeroed memory out of large pieces, one after the other. */
static void *json_memory(size_t bytes) {
    static char *free_memory;
    static size_t left;
    bytes = (bytes + 7) & ~(size_t)7;
    if (bytes > left) {
        left = bytes > 1 << 20 ? bytes : 1 << 20;
        free_memory = calloc(1, left);
        if (free_memory == NULL) {
            json_fail("there is no more memory");
        }
    }
    void *memory = free_memory;
    free_memory += bytes;
    left -= bytes;
    return memory;
}

static json *json_new(char type) {
    json *made = json_memory(sizeof(json));
    made->type = type;
    return made;
}

static void json_add(json *parent, json *child) {
    if (parent->last == NULL) {
        parent->first = child;
    } else {
        parent->last->next = child;
    }
    parent->last = child;
}

/* Writes a C string as a JSON text. */
static const char *json_quote(const char *value, size_t *length) {
    char *text = json_memory(6 * strlen(value) + 3);
    char *at = text;
    *at++ = '"';
    for (; *value != 0; value++) {
        unsigned char c = (unsigned char)*value;
        if (c == '"' || c == '\\') {
            *at++ = '\\';
            *at++ = (char)c;
        } else if (c < 0x20) {
            at += sprintf(at, "\\u%04x", c);
        } else {
            *at++ = (char)c;
        }
    }
    *at++ = '"';
    *length = (size_t)(at - text);
    return text;
}

static json *json_text(const char *value) {
    json *made = json_new('"');
    made->text = json_quote(value, &made->length);
    return made;
}

/* The value of a key; NULL when there is none, or no mapping. */
static json *json_get(const json *map, const char *key) {
    if (map == NULL || map->type != '{') {
        return NULL;
    }
    size_t length;
    const char *quoted = json_quote(key, &length);
    for (json *at = map->first; at != NULL; at = at->next) {
        if (at->key_length == length && memcmp(at->key, quoted, length) == 0) {
            return at;
        }
    }
    return NULL;
}

/* Gives a mapping another value for a key. */
static json *json_set(json *map, const char *key, json *value) {
    json *known = json_get(map, key);
    if (known == NULL) {
        value->key = json_quote(key, &value->key_length);
        json_add(map, value);
        return value;
    }
    known->type = value->type;
    known->text = value->text;
    known->length = value->length;
    known->first = value->first;
    known->last = value->last;
    return known;
}

/* The mapping at a key, which is made when there is none. */
static json *json_make(json *map, const char *key) {
    json *known = json_get(map, key);
    return known != NULL && known->type == '{' ? known : json_set(map, key, json_new('{'));
}

/* The characters of a text without escapes; NULL for anything else. */
static const char *json_string(const json *value) {
    if (value == NULL || value->type != '"' || memchr(value->text, '\\', value->length) != NULL) {
        return NULL;
    }
    char *copy = json_memory(value->length - 1);
    memcpy(copy, value->text + 1, value->length - 2);
    return copy;
}

static void json_space(const char **at) {
    while (**at == ' ' || **at == '\n' || **at == '\r' || **at == '\t') {
        ++*at;
    }
}

static void json_quoted(const char **at, const char **text, size_t *length) {
    *text = *at;
    if (*(*at)++ != '"') {
        json_fail("standard input is no JSON: a text is missing");
    }
    for (; **at != '"'; ++*at) {
        if (**at == '\\') {
            ++*at;
        }
        if (**at == 0) {
            json_fail("standard input is no JSON: a text does not end");
        }
    }
    ++*at;
    *length = (size_t)(*at - *text);
}

static json *json_value(const char **at, int depth) {
    json_space(at);
    if (depth > JSON_DEPTH) {
        json_fail("standard input is nested too deep");
    }
    char type = **at;
    if (type == '"') {
        json *made = json_new('"');
        json_quoted(at, &made->text, &made->length);
        return made;
    }
    if (type != '{' && type != '[') {
        json *made = json_new(type == 't' || type == 'f' || type == 'n' ? type : '0');
        made->text = *at;
        while (**at != 0 && memchr(",]} \n\r\t", **at, 7) == NULL) {
            ++*at;
        }
        made->length = (size_t)(*at - made->text);
        if (made->length == 0) {
            json_fail("standard input is no JSON: a value is missing");
        }
        return made;
    }
    json *made = json_new(type);
    char end = type == '{' ? '}' : ']';
    ++*at;
    json_space(at);
    while (**at != end) {
        const char *key = NULL;
        size_t key_length = 0;
        if (type == '{') {
            json_quoted(at, &key, &key_length);
            json_space(at);
            if (*(*at)++ != ':') {
                json_fail("standard input is no JSON: a colon is missing");
            }
        }
        json *child = json_value(at, depth + 1);
        child->key = key;
        child->key_length = key_length;
        json_add(made, child);
        json_space(at);
        if (**at == ',') {
            ++*at;
            json_space(at);
        } else if (**at != end) {
            json_fail("standard input is no JSON: a comma is missing");
        }
    }
    ++*at;
    return made;
}

static void json_write(FILE *out, const json *value) {
    if (value->type != '{' && value->type != '[') {
        fwrite(value->text, 1, value->length, out);
        return;
    }
    fputc(value->type, out);
    for (const json *at = value->first; at != NULL; at = at->next) {
        if (at->key != NULL) {
            fwrite(at->key, 1, at->key_length, out);
            fputc(':', out);
        }
        json_write(out, at);
        if (at->next != NULL) {
            fputc(',', out);
        }
    }
    fputc(value->type == '{' ? '}' : ']', out);
}

/* Reads all of a file as one value. */
static json *json_read(FILE *in) {
    size_t size = 1 << 16, length = 0;
    char *text = json_memory(size);
    for (size_t got; (got = fread(text + length, 1, size - length - 1, in)) > 0;) {
        length += got;
        if (length + 1 == size) {
            char *larger = json_memory(size * 2);
            memcpy(larger, text, length);
            text = larger;
            size *= 2;
        }
    }
    text[length] = 0;
    const char *at = text;
    return json_value(&at, 0);
}

#endif
