"""The web app: `python app.py [--host 127.0.0.1] [--port 7860]`."""

if __name__ == "__main__":  # a build's child process imports this file again and needs no app
    from mma_core.ui import build_app, launch_options, parse_arguments

    arguments = parse_arguments()
    build_app().launch(server_name=arguments.host, server_port=arguments.port, **launch_options())
