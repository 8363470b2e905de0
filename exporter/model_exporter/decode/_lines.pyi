from model_exporter.decode._scanner import Scanner

class LineScanner(Scanner):
    nesting: int
    @property
    def is_array(self) -> bool: ...
    def open(self, body: bytes, has_model: bool) -> None: ...
