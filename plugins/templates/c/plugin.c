/* Labels every object with the team that answers for it.
 *
 * A KRM function: it reads a ResourceList on standard input and writes one on standard output. Windlass hands it in as
 * JSON, with the configuration of the step as the data of a ConfigMap. */
#include <ctype.h>

#include "json.h"

static bool is_label_value(const char *text) {
    size_t length = strlen(text);
    if (length == 0 || length > 63 || !isalnum((unsigned char)text[0]) || !isalnum((unsigned char)text[length - 1])) {
        return false;
    }
    for (; *text != 0; text++) {
        if (!isalnum((unsigned char)*text) && strchr("-_.", *text) == NULL) {
            return false;
        }
    }
    return true;
}

/* Writes a list whose only content is why the function failed, and ends. */
static void fail(const char *field, const char *message) {
    json *list = json_new('{'), *results = json_new('['), *result = json_new('{');
    json_set(list, "apiVersion", json_text("config.kubernetes.io/v1"));
    json_set(list, "kind", json_text("ResourceList"));
    json_set(list, "items", json_new('['));
    json_set(result, "severity", json_text("error"));
    json_set(result, "message", json_text(message));
    json_set(json_make(result, "field"), "path", json_text(field));
    json_add(results, result);
    json_set(list, "results", results);
    json_write(stdout, list);
    exit(1);
}

int main(void) {
    json *list = json_read(stdin);
    json *data = json_get(json_get(list, "functionConfig"), "data");
    const char *label = "team";
    for (json *at = data == NULL ? NULL : data->first; at != NULL; at = at->next) {
        if (json_get(data, "label") == at && json_string(at) != NULL) {
            label = json_string(at);
        } else if (json_get(data, "team") != at) {
            fail("functionConfig", "the configuration has a key that is neither `team` nor `label`");
        }
    }
    const char *team = json_string(json_get(data, "team"));
    if (team == NULL) {
        fail("team", "the configuration has no `team`");
    }
    if (!is_label_value(team)) {
        static char message[256];
        snprintf(message, sizeof message, "`%.100s` cannot be the value of a label", team);
        fail("team", message);
    }
    json *items = json_get(list, "items");
    for (json *object = items == NULL ? NULL : items->first; object != NULL; object = object->next) {
        json_set(json_make(json_make(object, "metadata"), "labels"), label, json_text(team));
    }
    json_write(stdout, list);
    return 0;
}
