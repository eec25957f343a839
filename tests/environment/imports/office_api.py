"""A FastAPI app of thirty operations, as somebody's office back end might be."""

from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any

from fastapi import FastAPI, Header, Path, Query
from pydantic import BaseModel, Field

app = FastAPI(title="Office", generate_unique_id_function=lambda route: route.name)


class Priority(Enum):
    LOW = "low"
    HIGH = "high"


class Address(BaseModel):
    street: str
    city: str
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "NO"


class Customer(BaseModel):
    name: Annotated[str, Field(max_length=80)]
    address: Address
    tags: list[str] = []
    newsletter: bool = False


class StoredCustomer(Customer):
    id: int
    created_at: datetime


class Folder(BaseModel):
    name: str
    children: list["Folder"] = []


class Mail(BaseModel):
    to: list[str]
    subject: str
    body: str
    cc: list[str] | None = None
    priority: Priority = Priority.LOW


class Sent(BaseModel):
    id: str
    status: str


class Chat(BaseModel):
    channel: Annotated[str, Field(description="Person or channel")]
    text: str


class Sms(BaseModel):
    phone: str
    text: str


class Text(BaseModel):
    path: str
    content: str


class Line(BaseModel):
    sku: str
    amount: Annotated[int, Field(ge=1, le=99)]


class Order(BaseModel):
    customer_id: int
    lines: Annotated[list[Line], Field(min_length=1)]
    note: str | int | None = None
    deliver_on: date | None = None


class StoredOrder(Order):
    id: int
    total: Annotated[float, Field(ge=0)]


CustomerId = Annotated[int, Path(ge=1)]
OrderId = Annotated[int, Path(ge=1)]


# --- what a chain can use
@app.post("/mail")
def send_mail(mail: Mail) -> Sent:
    """Send an e-mail to one or more people."""


@app.post("/chat")
def send_chat_message(chat: Chat) -> Sent:
    """Send an instant message to a person or a channel."""


@app.post("/sms")
def send_sms_text(sms: Sms) -> Sent:
    """Send a text message (SMS) to a phone."""


@app.get("/files/content")
def read_file_content(path: str) -> Text:
    """Read a text file."""


@app.put("/files/content")
def writeFile(text: Text, x_trace_id: Annotated[str | None, Header()] = None):  # noqa: N802
    """Write a text file, replacing what was there."""


@app.delete("/files")
def delete_file(path: str):
    """Delete a file."""


@app.get("/files/list")
def list_folder(directory: str) -> list[str]:
    """List the files in a folder."""


@app.get("/search")
def search_the_web(q: str, limit: Annotated[int, Query(ge=1, le=50)]):
    """Search the web."""


@app.get("/page")
def open_web_page(url: str):
    """Open a web page and return its text."""


@app.get("/messages/search")
def search_messages(query: str):
    """Search the messages of the mailbox."""


@app.get("/contacts")
def find_contact_by_name(name: str):
    """Look up a contact in the address book."""


@app.post("/commands")
def run_shell_command(command: Annotated[str, Query()]):
    """Run a command in a shell."""


# --- what is this office's own
@app.get("/customers")
def listCustomers(city: str | None = None, page: int = 1) -> list[StoredCustomer]:  # noqa: N802
    """List customers."""


@app.post("/customers")
def create_customer(customer: Customer) -> StoredCustomer:
    """Create a customer."""


@app.get("/customers/{customer_id}")
def get_customer(customer_id: CustomerId) -> StoredCustomer:
    """Get a customer."""


@app.put("/customers/{customer_id}")
def replace_customer(customer_id: CustomerId, customer: Customer) -> StoredCustomer:
    """Replace a customer."""


@app.delete("/customers/{customer_id}")
def delete_customer(customer_id: CustomerId):
    """Delete a customer."""


@app.get("/customers/{customer_id}/orders")
def customer_orders(customer_id: CustomerId, since: date | None = None) -> list[StoredOrder]:
    """The orders of a customer."""


@app.post("/orders")
def place_order(order: Order) -> StoredOrder:
    """Place an order."""


@app.get("/orders/{order_id}")
def get_order(order_id: OrderId) -> StoredOrder:
    """Get an order."""


@app.patch("/orders/{order_id}")
def update_order(order_id: OrderId, change: dict[str, Any]) -> StoredOrder:
    """Change an order."""


@app.post("/orders/{order_id}/cancel")
def cancel_order(order_id: OrderId, reason: str) -> StoredOrder:
    """Cancel an order."""


@app.post("/orders/{order_id}/refund")
def refund_order(order_id: OrderId, amount: Annotated[float, Query(gt=0)]) -> StoredOrder:
    """Pay an order back."""


@app.get("/folders")
def folder_tree() -> Folder:
    """The tree of all folders."""


@app.post("/folders")
def create_folders(folder: Folder) -> Folder:
    """Create a tree of folders."""


@app.get("/stock/{sku}")
def stock(sku: Annotated[str, Path(pattern="^[A-Z]{3}-[0-9]{4}$")]) -> dict[str, int]:
    """How many pieces of something are there."""


@app.post("/stock/{sku}")
def count_stock(sku: str, pieces: int, priority: Priority, config: str | None = None):
    """Note how many pieces of something were counted."""


@app.get("/holidays/{year}")
def holidays(year: Annotated[int, Path(ge=2000, le=2100)]) -> list[date]:
    """The holidays of a year."""


@app.get("/health")
def health():
    """Whether the service is up."""


@app.get("/me")
def whoami() -> dict[str, str]:
    """Who is logged in."""
