from buyside.cli import group


def main() -> None:
    group(prog_name="buyside")


if __name__ == "__main__":
    main()
