"""A stand-in for one function, in one process."""


def broadcast_object_list(object_list, from_process=0):
    return object_list
